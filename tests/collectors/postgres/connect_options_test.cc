#include "collectors/postgres/connect_options.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "collectors/postgres/session_setup.h"
#include "tests/collectors/postgres/scoped_variable.h"

namespace pghang {
namespace {

TEST(ParseDsn, ErrorRepeatsNothingOfTheDsn) {
  for (const char* dsn : {"password=hun hunter2", "postgresql://app:hun@ter2@h/d", "hunter2"}) {
    const Result<ConnectOptions> options = parse_dsn(dsn);
    ASSERT_FALSE(options) << dsn;
    EXPECT_EQ(options.error().code, Errc::malformed);
    EXPECT_EQ(options.error().context.find("ter2"), std::string::npos) << options.error().context;
  }
}

TEST(ParseDsn, KeepsOnlyWhatIsGiven) {
  EXPECT_EQ(
      *parse_dsn("postgresql://app:pw@h:5/d"),
      (ConnectOptions{
          {"host", "h"},
          {"port", "5"},
          {"dbname", "d"},
          {"user", "app"},
          {"password", "pw"}})
  );
}

TEST(EffectiveOptions, DsnWinsAndDefaultsFillUp) {
  const Result<ConnectOptions> options = effective_options(
      "host=/nowhere user=app password=pw sslmode=require gssencmode=require "
      "passfile=/some/file"
  );
  ASSERT_TRUE(options) << options.error().context;
  EXPECT_EQ(options->at("host"), "/nowhere");
  EXPECT_EQ(options->at("password"), "pw");
  EXPECT_EQ(options->at("sslmode"), "require");
  EXPECT_EQ(options->at("gssencmode"), "require");
  EXPECT_EQ(options->at("passfile"), "/some/file");
  EXPECT_EQ(options->at("dbname"), "app");
  EXPECT_EQ(options->at("port"), "5432");
}

TEST(EffectiveOptions, ServiceFileGivesWhatTheDsnLeavesOpen) {
  std::string path = "/tmp/pghang_services.XXXXXX";
  const int fd = mkstemp(path.data());
  ASSERT_GE(fd, 0);
  close(fd);
  std::ofstream(path) << "[here]\nhost=db\nsslmode=verify-full\ngssencmode=require\n"
                         "password=pw\npassfile=/some/file\nuser=theirs\n";
  const tests::ScopedVariable services("PGSERVICEFILE", path);
  const Result<ConnectOptions> options = effective_options("service=here user=ours");
  unlink(path.c_str());
  ASSERT_TRUE(options) << options.error().context;
  EXPECT_EQ(options->at("host"), "db");
  EXPECT_EQ(options->at("user"), "ours");
  EXPECT_EQ(options->at("password"), "pw");
  EXPECT_EQ(options->at("passfile"), "/some/file");
  EXPECT_EQ(options->at("sslmode"), "verify-full") << "losing it would weaken the session";
  EXPECT_EQ(options->at("gssencmode"), "require");
  EXPECT_FALSE(options->contains("service"));
}

TEST(EffectiveOptions, UnknownServiceIsMalformed) {
  const Result<ConnectOptions> options = effective_options("service=pghang_no_such_service");
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().code, Errc::malformed);
}

TEST(PinSession, OursComeAfterTheDsnsOptions) {
  Polling polling;
  polling.statement_timeout = std::chrono::milliseconds{2000};
  ConnectOptions options{{"options", "-c statement_timeout=0 -c work_mem=1MB"}};
  pin_session(options, polling, 1);
  EXPECT_EQ(
      options["options"],
      "-c statement_timeout=0 -c work_mem=1MB -c search_path=pg_catalog -c statement_timeout=2000 "
      "-c lock_timeout=1000 -c idle_in_transaction_session_timeout=2000"
  );
}

TEST(PinSession, DsnCannotChangeNameEncodingOrKindOfSession) {
  ConnectOptions options{
      {"application_name", "innocent"},
      {"client_encoding", "LATIN1"},
      {"replication", "database"}};
  pin_session(options, {}, 1);
  EXPECT_EQ(options["application_name"], "pghangd");
  EXPECT_EQ(options["client_encoding"], "UTF8");
  EXPECT_EQ(options["replication"], "false");
}

TEST(PinSession, KerberosEncryptionOnlyWhereItIsAskedFor) {
  ConnectOptions by_default{{"gssencmode", "prefer"}};
  pin_session(by_default, {}, 1);
  EXPECT_EQ(by_default["gssencmode"], "disable");
  ConnectOptions asked{{"gssencmode", "require"}};
  pin_session(asked, {}, 1);
  EXPECT_EQ(asked["gssencmode"], "require");
}

TEST(PinSession, EachHostHasItsShareOfTheConnectTimeout) {
  Polling polling;
  polling.connect_timeout = std::chrono::seconds{6};
  ConnectOptions options;
  pin_session(options, polling, 3);
  EXPECT_EQ(options["tcp_user_timeout"], "2000");
  ConnectOptions own{{"tcp_user_timeout", "77"}};
  pin_session(own, polling, 3);
  EXPECT_EQ(own["tcp_user_timeout"], "77");
}

TEST(PinSession, LimitsAreNeverSwitchedOffByAZero) {
  Polling polling;
  polling.statement_timeout = Duration{0};
  ConnectOptions options;
  pin_session(options, polling, 1);
  EXPECT_NE(options["options"].find("-c statement_timeout=2 "), std::string::npos);
  EXPECT_NE(options["options"].find("-c lock_timeout=1 "), std::string::npos);
}

}  // namespace
}  // namespace pghang
