#include "tests/collectors/postgres/server_fixture.h"

#include <algorithm>

namespace pghang::tests {
namespace {

constexpr std::chrono::seconds kLong{60};

constexpr const char* kRoles = R"(DO $$ BEGIN
  CREATE ROLE monitor LOGIN IN ROLE pg_monitor, pg_signal_backend;
  CREATE ROLE nobody LOGIN;
  CREATE ROLE relaxed LOGIN;
  ALTER ROLE relaxed SET statement_timeout = 0;
  ALTER ROLE relaxed SET lock_timeout = 0;
  ALTER ROLE relaxed SET idle_in_transaction_session_timeout = 0;
  ALTER ROLE relaxed SET search_path = public;
  CREATE ROLE "full" LOGIN CONNECTION LIMIT 0;
  CREATE ROLE locked LOGIN PASSWORD 'hunter2';
END $$)";

}  // namespace

std::unique_ptr<Cluster>& ClusterEnvironment::holder() {
  static std::unique_ptr<Cluster> cluster;
  return cluster;
}

void ClusterEnvironment::SetUp() {
  holder() = std::make_unique<Cluster>();
  const Cluster* server = holder().get();
  ASSERT_TRUE(server->running());
  const std::string psql =
      server->value("BINDIR") + "/psql -qX '" + server->dsn() + "' -v ON_ERROR_STOP=1 ";
  ASSERT_TRUE(succeeds(psql + "<<'SQL'\n" + kRoles + ";\nSQL\n"));
  ASSERT_TRUE(succeeds(
      psql + "-c \"CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0\""
  ));
  ASSERT_TRUE(succeeds(
      "sed -i '1i host all locked 127.0.0.1/32 scram-sha-256' " + server->value("PGDATA") +
      "/pg_hba.conf"
  ));
  ASSERT_TRUE(server->control("restart -m fast"));
}

void ClusterEnvironment::TearDown() {
  holder().reset();
}

Cluster& ClusterEnvironment::cluster() {
  return *holder();
}

void ServerTest::TearDown() {
  // Their statements end with their backends, and their coroutines with those.
  if (sessions_.empty()) return;
  Connection superuser = open_as("postgres");
  for (const auto& session : sessions_) {
    if (session->outcome) continue;
    ask(superuser,
        "SELECT pg_catalog.pg_terminate_backend($1)",
        {int4_parameter(session->connection.backend_pid())});
  }
  const auto ended = [](const auto& session) {
    return session->outcome.has_value();
  };
  while (!std::all_of(sessions_.begin(), sessions_.end(), ended)) {
    context_.restart();
    ASSERT_GT(context_.run_one_for(kLong), 0U);
  }
}

Polling ServerTest::patient() {
  Polling polling;
  polling.statement_timeout = kLong;
  return polling;
}

Connection ServerTest::to(const std::string& dsn, Polling polling, std::string password_file) {
  Target target;
  target.dsn = dsn;
  target.password_file = std::move(password_file);
  return {context_.get_executor(), std::move(target), polling};
}

Connection ServerTest::open_as(const std::string& user, Polling polling) {
  Connection connection = to(cluster().dsn(user), polling);
  const Result<void> opened = run(connection.open(within(kLong)));
  EXPECT_TRUE(opened) << opened.error().context;
  return connection;
}

QueryResult ServerTest::ask(
    Connection& connection,
    const std::string& sql,
    std::vector<QueryParameter> parameters
) {
  Result<QueryResult> result = run(connection.query(sql, std::move(parameters), within(kLong)));
  EXPECT_TRUE(result) << sql << ": " << result.error().context;
  return result ? std::move(*result) : QueryResult();
}

std::string ServerTest::ask_text(Connection& connection, const std::string& sql) {
  return ask(connection, sql).text(0, 0).value_or("(null)");
}

ActivitySnapshot ServerTest::poll(Connection& connection, bool idle, bool auxiliary) {
  ActivityFilter filter;
  filter.idle = idle;
  filter.auxiliary = auxiliary;
  Result<ActivitySnapshot> snapshot = run(collect_activity(connection, filter, within(kLong)));
  EXPECT_TRUE(snapshot) << snapshot.error().context;
  return snapshot ? std::move(*snapshot) : ActivitySnapshot();
}

Session& ServerTest::start(Connection connection, std::string sql, Connection& observer) {
  sessions_.push_back(std::make_unique<Session>(Session{std::move(connection), std::nullopt}));
  Session& session = *sessions_.back();
  boost::asio::co_spawn(
      context_,
      session.connection.query(std::move(sql), {}, within(kLong)),
      [&session](const std::exception_ptr& exception, Result<QueryResult> result) {
        EXPECT_FALSE(exception);
        session.outcome.emplace(std::move(result));
      }
  );
  const pid_t pid = session.connection.backend_pid();
  const Deadline limit = within(kLong);
  bool active = false;
  while (!active && !session.outcome && std::chrono::steady_clock::now() < limit)
    active = find_row(poll(observer), pid) != nullptr;
  EXPECT_TRUE(active) << "never seen active";
  return session;
}

std::string large_text() {
  std::string text;
  text.resize(20'000'000, 'x');
  return text;
}

const Activity* find_row(const ActivitySnapshot& snapshot, pid_t pid) {
  const auto row = std::find_if(snapshot.rows.begin(), snapshot.rows.end(), [&](const auto& each) {
    return each.key.pid == pid;
  });
  return row == snapshot.rows.end() ? nullptr : &*row;
}

std::int64_t sessions_in(const ActivitySnapshot& snapshot, std::string_view state) {
  for (const StateCount& count : snapshot.counts) {
    if (count.state == state) return count.sessions;
  }
  return 0;
}

}  // namespace pghang::tests
