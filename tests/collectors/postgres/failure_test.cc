#include "collectors/postgres/failure.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

TEST(OneLine, FoldsLinesAndDropsSourceLocations) {
  EXPECT_EQ(
      one_line("could not connect: refused\n\tIs the server running?\nLOCATION:  f, auth.c:334\n"),
      "could not connect: refused Is the server running?"
  );
  EXPECT_EQ(one_line(""), "");
}

TEST(ConnectFailure, WrongPasswordIsPermissionDeniedInEveryLanguage) {
  const Error english = connect_failure(
      "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password "
      "authentication failed for user \"app\"\nLOCATION:  auth_failed, auth.c:334\n"
  );
  EXPECT_EQ(english.code, Errc::permission_denied);
  EXPECT_EQ(
      english.context,
      "connection to server at \"127.0.0.1\", port 5432 failed: FATAL: password authentication "
      "failed for user \"app\""
  );
  const Error german = connect_failure("FATAL:  28000: Rolle \"app\" existiert nicht\n");
  EXPECT_EQ(german.code, Errc::permission_denied);
}

TEST(ConnectFailure, MissingConnectPrivilegeIsPermissionDenied) {
  EXPECT_EQ(
      connect_failure("FATAL:  42501: permission denied for database \"shop\"\n").code,
      Errc::permission_denied
  );
}

TEST(ConnectFailure, StartingUpIsDisconnectedAndOtherFatalsAreRefusals) {
  EXPECT_EQ(
      connect_failure("FATAL:  57P03: the database system is starting up\n").code,
      Errc::disconnected
  );
  EXPECT_EQ(
      connect_failure("FATAL:  53300: sorry, too many clients already\n").code,
      Errc::too_many_connections
  );
  EXPECT_EQ(connect_failure("FATAL:  3D000: database \"x\" does not exist\n").code, Errc::refused);
}

TEST(ConnectFailure, NoSqlstateMeansThatNoServerAnswered) {
  EXPECT_EQ(
      connect_failure("connection failed: Connection refused\n\tIs it up?\n").code,
      Errc::disconnected
  );
  EXPECT_EQ(connect_failure("").code, Errc::disconnected);
  EXPECT_EQ(connect_failure("weird:  28").code, Errc::disconnected);
  EXPECT_EQ(connect_failure("a:  lower: x").code, Errc::disconnected);
}

TEST(ConnectFailure, LastHostThatAnsweredDecides) {
  const Error error =
      connect_failure("host a: FATAL:  28P01: password wrong\nhost b: FATAL:  57P03: starting up\n"
      );
  EXPECT_EQ(error.code, Errc::disconnected);
  EXPECT_EQ(error.context, "host a: FATAL: password wrong host b: FATAL: starting up");
}

}  // namespace
}  // namespace pghang
