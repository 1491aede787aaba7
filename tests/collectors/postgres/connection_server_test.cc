#include <fstream>
#include <limits>
#include <sstream>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/collectors/postgres/scoped_variable.h"
#include "tests/collectors/postgres/server_fixture.h"

namespace pghang::tests {
namespace {

namespace asio = boost::asio;
// NOLINTNEXTLINE(misc-unused-using-decls): clang-tidy 14 does not see operators in coroutines
using asio::experimental::awaitable_operators::operator||;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kLimits =
    "SELECT concat_ws(' ', current_setting('application_name'), current_setting('search_path'), "
    "current_setting('client_encoding'), current_setting('statement_timeout'), "
    "current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'))";
constexpr const char* kOurLimits = "pghangd pg_catalog UTF8 2s 1s 2s";

using ConnectionOpen = ServerTest;
using ConnectionQuery = ServerTest;

TEST_F(ConnectionOpen, SetsNameEncodingPathAndLimits) {
  Connection connection = open_as("monitor", Polling{});
  EXPECT_EQ(ask_text(connection, kLimits), kOurLimits);
  EXPECT_GE(connection.server_version(), 100000);
  EXPECT_EQ(ask(connection, "SELECT pg_backend_pid()").integer(0, 0), connection.backend_pid());
}

TEST_F(ConnectionOpen, DsnCannotOverrideThem) {
  Connection connection =
      to(cluster().dsn("monitor") +
             " application_name=innocent client_encoding=LATIN1 options='-c statement_timeout=0 "
             "-c search_path=public -c work_mem=77kB'",
         Polling{});
  ASSERT_TRUE(run(connection.open(within(seconds{20}))));
  EXPECT_EQ(ask_text(connection, kLimits), kOurLimits);
  EXPECT_EQ(ask_text(connection, "SELECT current_setting('work_mem')"), "77kB");
}

TEST_F(ConnectionOpen, SettingsOfTheRoleCannotOverrideThem) {
  Connection connection = open_as("relaxed", Polling{});
  EXPECT_EQ(ask_text(connection, kLimits), kOurLimits);
}

TEST_F(ConnectionOpen, OptionsThatWouldSwallowOursMakeTheServerRefuse) {
  for (const char* options : {R"(-c work_mem=1MB\\)", "-c", "--"}) {
    Connection connection =
        to(cluster().dsn("monitor") + " options='" + std::string(options) + "'", Polling{});
    const Result<void> opened = run(connection.open(within(seconds{20})));
    ASSERT_FALSE(opened) << options;
    EXPECT_EQ(opened.error().code, Errc::refused) << opened.error().context;
  }
}

TEST_F(ConnectionOpen, HostNameIsResolvedBeforehand) {
  Connection connection =
      to("host=localhost,localhost port=" + cluster().value("PGPORT") +
         " dbname=postgres user=monitor");
  const Result<void> opened = run(connection.open(within(seconds{20})));
  ASSERT_TRUE(opened) << opened.error().context;
  EXPECT_EQ(ask_text(connection, "SELECT host(inet_client_addr())"), "127.0.0.1");
}

TEST_F(ConnectionOpen, UnknownHostNameIsDisconnected) {
  // A label of more than 63 characters is refused without asking any server (RFC 1035, 2.3.4).
  Connection connection = to("host=" + std::string(70, 'x') + ".invalid dbname=postgres");
  const Result<void> opened = run(connection.open(within(seconds{20})));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::disconnected);
  EXPECT_NE(opened.error().context.find("could not resolve host name"), std::string::npos)
      << opened.error().context;
}

TEST_F(ConnectionOpen, UnknownHostIsPassedOverForTheNext) {
  Connection connection =
      to("host=" + std::string(70, 'x') + ".invalid,127.0.0.1 port=" + cluster().value("PGPORT") +
         " dbname=postgres user=monitor");
  EXPECT_TRUE(run(connection.open(within(seconds{20}))));
}

TEST_F(ConnectionOpen, NobodyListeningIsDisconnected) {
  Connection connection = to("host=127.0.0.1 port=1 dbname=postgres user=monitor");
  const Result<void> opened = run(connection.open(within(seconds{20})));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::disconnected);
  EXPECT_EQ(opened.error().context.find('\n'), std::string::npos);
  EXPECT_FALSE(connection.connected());
  EXPECT_EQ(connection.server_version(), 0);
  EXPECT_EQ(connection.backend_pid(), 0);
}

TEST_F(ConnectionOpen, WrongPasswordIsPermissionDeniedAndNotShown) {
  Connection connection = to(cluster().tcp_dsn("locked") + " password=s3cret");
  const Result<void> opened = run(connection.open(within(seconds{20})));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::permission_denied) << opened.error().context;
  EXPECT_NE(opened.error().context.find("password authentication failed"), std::string::npos);
  EXPECT_EQ(opened.error().context.find("s3cret"), std::string::npos);
}

TEST_F(ConnectionOpen, NoPasswordIsPermissionDenied) {
  Connection connection = to(cluster().tcp_dsn("locked") + " passfile=/nonexistent");
  const Result<void> opened = run(connection.open(within(seconds{20})));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::permission_denied) << opened.error().context;
}

TEST_F(ConnectionOpen, MissingRoleIsPermissionDenied) {
  Connection connection = to(cluster().dsn("no_such_role"));
  const Result<void> opened = run(connection.open(within(seconds{20})));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::permission_denied) << opened.error().context;
  EXPECT_NE(opened.error().context.find("no_such_role"), std::string::npos);
}

TEST_F(ConnectionOpen, MissingDatabaseIsARefusalAndAFullRoleHasAKindOfItsOwn) {
  Connection no_database = to(cluster().dsn("monitor") + " dbname=no_such_database");
  EXPECT_EQ(run(no_database.open(within(seconds{20}))).error().code, Errc::refused);
  Connection full = to(cluster().dsn("full"));
  EXPECT_EQ(run(full.open(within(seconds{20}))).error().code, Errc::too_many_connections);
}

TEST_F(ConnectionOpen, MalformedDsnIsNotRepeated) {
  Connection connection = to("host=h password=hunter2 oops");
  const Result<void> opened = run(connection.open(within(seconds{20})));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::malformed);
  EXPECT_EQ(opened.error().context.find("hunter2"), std::string::npos);
  EXPECT_EQ(opened.error().context.find("oops"), std::string::npos);
}

TEST_F(ConnectionOpen, PasswordFileIsUsed) {
  const std::string path = cluster().value("DIR") + "/password";
  std::ofstream(path) << "hunter2\n";
  Connection connection = to(cluster().tcp_dsn("locked"), patient(), path);
  const Result<void> opened = run(connection.open(within(seconds{20})));
  EXPECT_TRUE(opened) << opened.error().context;
  Connection without = to(cluster().tcp_dsn("locked"), patient(), path + ".missing");
  EXPECT_EQ(run(without.open(within(seconds{20}))).error().code, Errc::not_found);
}

TEST_F(ConnectionOpen, ServiceFileAndPassfileOfLibpqWork) {
  const std::string passfile = cluster().value("DIR") + "/pgpass";
  const std::string services = cluster().value("DIR") + "/services";
  std::ofstream(passfile) << "localhost:*:*:locked:hunter2\n";
  ASSERT_TRUE(succeeds("chmod 600 " + passfile));
  std::ofstream(services) << "[pghang]\nhost=localhost\nport=" << cluster().value("PGPORT")
                          << "\nuser=locked\ndbname=postgres\nhostaddr=127.0.0.1\n";
  const ScopedVariable service_file("PGSERVICEFILE", services);
  Connection connection = to("service=pghang passfile=" + passfile);
  const Result<void> opened = run(connection.open(within(seconds{20})));
  EXPECT_TRUE(opened) << opened.error().context;
}

TEST_F(ConnectionOpen, SystemIdentifierIsThatOfTheControlFile) {
  Connection connection = open_as("monitor");
  EXPECT_EQ(
      connection.system_identifier(),
      ask_text(connection, "SELECT system_identifier::text FROM pg_control_system()")
  );
}

TEST_F(ConnectionOpen, WithoutExecuteOnItTheSystemIdentifierIsEmpty) {
  Connection superuser = open_as("postgres");
  ask(superuser, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
  Connection connection = open_as("nobody");
  EXPECT_EQ(connection.system_identifier(), "");
  EXPECT_TRUE(connection.connected());
  ask(superuser, "GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC");
}

/// Of a process, without reading from a disk: field 10 of /proc/PID/stat.
std::int64_t page_faults(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 10; ++field)
    fields >> skipped;
  std::int64_t faults = -1;
  fields >> faults;
  return faults;
}

TEST_F(ConnectionOpen, OurBackendKeepsTheMemoryThatAStatementTook) {
  Connection connection = open_as("monitor");
  const auto faults_of_seven_megabytes = [&] {
    const std::int64_t before = page_faults(connection.backend_pid());
    ask(connection, "SELECT octet_length(repeat('x', $1))", {int4_parameter(7'000'000)});
    return page_faults(connection.backend_pid()) - before;
  };
  EXPECT_GT(faults_of_seven_megabytes(), 1000) << "pages of 4 kB";
  EXPECT_LT(faults_of_seven_megabytes(), 500);
}

TEST_F(ConnectionQuery, EveryTypeGoesThereAndBackUnchanged) {
  Connection connection = open_as("monitor");
  const PgTimestamp last{std::numeric_limits<std::int32_t>::max() * 7'777'777LL + 1};
  std::vector<QueryParameter> parameters;
  parameters.push_back(int4_parameter(-2'147'483'647));
  parameters.push_back(int8_parameter(-9'000'000'000'000'000'001));
  parameters.push_back(text_parameter("h\u00e9 ' \\ \n"));
  parameters.push_back(bool_parameter(true));
  parameters.push_back(timestamptz_parameter(last));
  parameters.push_back(timestamptz_parameter(std::nullopt));
  const QueryResult result =
      ask(connection, "SELECT $1, $2, $3, $4, $5, $6, 7::int2, 1.5::float4", std::move(parameters));
  ASSERT_EQ(result.rows(), 1);
  EXPECT_EQ(result.integer(0, 0), -2'147'483'647);
  EXPECT_EQ(result.integer(0, 1), -9'000'000'000'000'000'001);
  EXPECT_EQ(result.text(0, 2), "h\u00e9 ' \\ \n");
  EXPECT_EQ(result.boolean(0, 3), true);
  EXPECT_EQ(result.timestamp(0, 4), last);
  EXPECT_TRUE(result.is_null(0, 5));
  EXPECT_EQ(result.timestamp(0, 5), std::nullopt);
  EXPECT_EQ(result.integer(0, 6), 7);
  EXPECT_EQ(result.boolean(0, 0), std::nullopt) << "another width";
  EXPECT_EQ(result.timestamp(0, 0), std::nullopt) << "another width";
  EXPECT_TRUE(result.is_null(1, 0)) << "outside";
}

TEST_F(ConnectionQuery, PreparedStatementIsParsedOncePerSession) {
  Connection connection = open_as("monitor");
  const auto answer = [&](std::int32_t value) {
    std::vector<QueryParameter> parameters{int4_parameter(value)};
    return run(connection
                   .query_prepared("SELECT 2 * $1", std::move(parameters), within(seconds{20})))
        ->integer(0, 0);
  };
  const std::string count = "SELECT count(*)::text FROM pg_prepared_statements";
  EXPECT_EQ(answer(4), 8);
  EXPECT_EQ(answer(5), 10);
  EXPECT_EQ(ask_text(connection, count), "1");
  connection.close();
  ASSERT_TRUE(run(connection.open(within(seconds{20}))));
  EXPECT_EQ(ask_text(connection, count), "0");
  EXPECT_EQ(answer(6), 12) << "another session";
}

TEST_F(ConnectionQuery, PreparedStatementThatFailsIsToldAndTheConnectionStays) {
  Connection connection = open_as("monitor");
  const auto ask_prepared = [&](const char* sql) {
    return run(connection.query_prepared(sql, {}, within(seconds{20})));
  };
  EXPECT_EQ(
      ask_prepared("SELECT no_such_column").error(),
      (Error{Errc::refused, "column \"no_such_column\" does not exist"})
  );
  EXPECT_EQ(ask_prepared("SELECT 7")->integer(0, 0), 7);
  const char* fails = "SELECT 1 / (SELECT 0)";
  EXPECT_EQ(ask_prepared(fails).error(), (Error{Errc::refused, "division by zero"}));
  EXPECT_EQ(ask_prepared(fails).error(), (Error{Errc::refused, "division by zero"}));
  EXPECT_TRUE(connection.connected());
  Connection closed = to(cluster().dsn());
  const auto nobody = run(closed.query_prepared("SELECT 1", {}, within(seconds{20})));
  EXPECT_EQ(nobody.error().code, Errc::disconnected);
}

TEST_F(ConnectionQuery, StatementLargerThanTheSocketBufferIsSentInParts) {
  Connection connection = open_as("monitor");
  std::vector<QueryParameter> parameters{text_parameter(large_text())};
  EXPECT_EQ(
      ask(connection, "SELECT length($1)", std::move(parameters)).integer(0, 0),
      static_cast<std::int64_t>(large_text().size())
  );
}

TEST_F(ConnectionQuery, ErrorOfTheServerIsRefusedInItsWordsAndTheConnectionStays) {
  Connection connection = open_as("monitor");
  const pid_t pid = connection.backend_pid();
  const auto result = run(connection.query("SELECT no_such_column", {}, within(seconds{20})));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{Errc::refused, "column \"no_such_column\" does not exist"}));
  EXPECT_EQ(ask(connection, "SELECT pg_backend_pid()").integer(0, 0), pid);
}

TEST_F(ConnectionQuery, ServerEndsAStatementThatTakesTooLong) {
  Polling polling;
  polling.statement_timeout = milliseconds{100};
  Connection connection = open_as("monitor", polling);
  const auto result = run(connection.query("SELECT pg_sleep(60)", {}, within(seconds{50})));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{Errc::timeout, "canceling statement due to statement timeout"}));
  EXPECT_TRUE(connection.connected());
}

TEST_F(ConnectionQuery, ServerEndsAWaitForALock) {
  Connection holder = open_as("postgres");
  ask(holder, "CREATE TABLE IF NOT EXISTS public.held (n int4)");
  ask(holder, "BEGIN");
  ask(holder, "LOCK TABLE public.held");
  Polling polling;
  polling.statement_timeout = milliseconds{400};
  Connection connection = open_as("postgres", polling);
  const auto result = run(connection.query("SELECT n FROM public.held", {}, within(seconds{50})));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{Errc::refused, "canceling statement due to lock timeout"}));
  ask(holder, "ROLLBACK");
}

TEST_F(ConnectionQuery, NoAnswerBeforeTheDeadlineIsATimeoutAndTheNextOpenStartsAnew) {
  Connection connection = open_as("monitor");
  const pid_t before = connection.backend_pid();
  const auto result = run(connection.query("SELECT pg_sleep(1)", {}, within(milliseconds{100})));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timeout);
  EXPECT_FALSE(connection.connected());
  ASSERT_TRUE(run(connection.open(within(seconds{20}))));
  EXPECT_NE(connection.backend_pid(), before);
}

TEST_F(ConnectionQuery, DeadlineInThePastIsATimeout) {
  Connection connection = open_as("monitor");
  const auto result = run(connection.query("SELECT 1", {}, within(milliseconds{-1})));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timeout);
}

TEST_F(ConnectionQuery, WithoutOpenIsDisconnected) {
  Connection connection = to(cluster().dsn());
  const auto result = run(connection.query("SELECT 1", {}, within(seconds{20})));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::disconnected);
}

TEST_F(ConnectionQuery, WarningsComeWithTheirResultOnly) {
  Connection connection = open_as("monitor");
  const QueryResult warned =
      ask(connection, "SELECT pg_terminate_backend($1)", {int4_parameter(2'000'000'000)});
  EXPECT_EQ(warned.boolean(0, 0), false);
  ASSERT_EQ(warned.notices().size(), 1U);
  EXPECT_NE(warned.notices()[0].find("2000000000"), std::string::npos) << warned.notices()[0];
  EXPECT_TRUE(ask(connection, "SELECT 1").notices().empty());
}

TEST_F(ConnectionQuery, TerminatingASuperusersBackendIsPermissionDeniedInTheServersWords) {
  Connection superuser = open_as("postgres");
  Connection connection = open_as("monitor");
  const auto result = run(connection.query(
      "SELECT pg_terminate_backend($1)",
      {int4_parameter(superuser.backend_pid())},
      within(seconds{20})
  ));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::permission_denied);
  EXPECT_NE(result.error().context.find("must be a superuser"), std::string::npos)
      << result.error().context;
  EXPECT_EQ(ask(superuser, "SELECT 1").integer(0, 0), 1);
}

TEST_F(ConnectionQuery, CopyIsNotForThisConnection) {
  Connection connection = open_as("postgres");
  const auto result = run(connection.query("COPY pg_class TO STDOUT", {}, within(seconds{20})));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::unsupported);
  EXPECT_FALSE(connection.connected());
}

asio::awaitable<bool>
query_loses_to_a_timer(asio::io_context& context, Connection& connection, Deadline deadline) {
  asio::steady_timer timer(context, milliseconds{50});
  const auto first = co_await (
      connection.query("SELECT pg_sleep(30)", {}, deadline) || timer.async_wait(asio::use_awaitable)
  );
  co_return first.index() == 1;
}

TEST_F(ConnectionQuery, CancelledCallEndsAtOnceAndClosesTheConnection) {
  Connection connection = open_as("monitor");
  EXPECT_TRUE(run(query_loses_to_a_timer(context(), connection, within(seconds{20}))));
  EXPECT_FALSE(connection.connected());
  EXPECT_TRUE(run(connection.open(within(seconds{20}))));
}

TEST_F(ConnectionQuery, MovedConnectionGoesOn) {
  Connection first = open_as("monitor");
  Connection second = std::move(first);
  EXPECT_EQ(ask(second, "SELECT 5").integer(0, 0), 5);
}

}  // namespace
}  // namespace pghang::tests
