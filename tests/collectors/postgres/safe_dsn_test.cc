#include <gtest/gtest.h>

#include "collectors/postgres/connection.h"

namespace pghang {
namespace {

TEST(SafeDsn, KeywordsKeepWhatNamesTheServer) {
  EXPECT_EQ(
      safe_dsn("user=app password=hunter2 host=db.example port=5433 dbname=shop"),
      "host=db.example port=5433 dbname=shop user=app"
  );
}

TEST(SafeDsn, UriLosesItsPassword) {
  EXPECT_EQ(
      safe_dsn("postgresql://app:hunter2@db.example:5433/shop?sslpassword=hunter2"),
      "host=db.example port=5433 dbname=shop user=app"
  );
  EXPECT_EQ(safe_dsn("postgres://db.example?password=hunter2"), "host=db.example");
}

TEST(SafeDsn, HoldsNoSecretInWhateverKeywordItStands) {
  for (const char* keyword :
       {"password", "sslpassword", "passfile", "sslkey", "options", "krbsrvname"}) {
    const std::string dsn = std::string("host=h ") + keyword + "='hunter2'";
    EXPECT_EQ(safe_dsn(dsn), "host=h") << dsn;
  }
}

TEST(SafeDsn, QuotedPasswordWithSpacesAndQuotesIsRemovedWhole) {
  EXPECT_EQ(safe_dsn(R"(password='hun \' ter2 host=x' host=h)"), "host=h");
}

TEST(SafeDsn, UnparsableTextIsNotRepeated) {
  for (const char* dsn :
       {"password=hun ter2",
        "host=h password='hunter2",
        "postgresql://app:hunter2@[::1/shop",
        "hunter2",
        "host=h passwrod=hunter2",
        "postgresql://app:hun%zzter2@h/"}) {
    EXPECT_EQ(safe_dsn(dsn), "(unreadable dsn)") << dsn;
  }
}

TEST(SafeDsn, UnencodedAtOrSlashInAUrisPasswordDoesNotLeakItsRest) {
  EXPECT_EQ(safe_dsn("postgresql://app:hun@ter2@db.example/shop"), "(unreadable dsn)");
  EXPECT_EQ(safe_dsn("postgresql://app:hun/ter2@db.example/shop"), "(unreadable dsn)");
  const std::string numeric = safe_dsn("postgresql://app:123/ter2@db.example/shop");
  EXPECT_EQ(numeric.find("ter2"), std::string::npos) << numeric;
}

TEST(SafeDsn, ConnectionStringInsideTheDatabaseNameIsHidden) {
  EXPECT_EQ(safe_dsn("dbname='postgresql://app:hunter2@h/d' host=h"), "host=h dbname=...");
  EXPECT_EQ(safe_dsn("dbname='host=x password=hunter2' host=h"), "host=h dbname=...");
}

TEST(SafeDsn, QuotesValuesSoThatTheyReadBack) {
  EXPECT_EQ(safe_dsn(R"(dbname='my shop' user=o\'neil)"), R"(dbname='my shop' user='o\'neil')");
}

TEST(SafeDsn, AbstractSocketAndMultipleHostsStay) {
  EXPECT_EQ(safe_dsn("host=@pg,/run/pg,db port=1,2,3"), "host=@pg,/run/pg,db port=1,2,3");
}

TEST(SafeDsn, LineBreaksCannotForgeLogLines) {
  EXPECT_EQ(safe_dsn("dbname='a\nlevel=error'").find('\n'), std::string::npos);
  EXPECT_EQ(safe_dsn("dbname='a\nb'"), "dbname='a b'");
}

TEST(SafeDsn, EmptyStringNamesNothing) {
  EXPECT_EQ(safe_dsn(""), "");
}

}  // namespace
}  // namespace pghang
