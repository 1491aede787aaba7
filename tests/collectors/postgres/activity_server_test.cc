#include <chrono>
#include <string>

#include "tests/collectors/postgres/server_fixture.h"

namespace pghang::tests {
namespace {

using std::chrono::seconds;

using ActivityPoll = ServerTest;

TEST_F(ActivityPoll, OwnSessionIsNotInIt) {
  Connection connection = open_as("monitor");
  Connection other = open_as("monitor");
  EXPECT_EQ(find_row(poll(connection, true, true), connection.backend_pid()), nullptr);
  EXPECT_NE(find_row(poll(other, true, true), connection.backend_pid()), nullptr);
}

TEST_F(ActivityPoll, IdleSessionCostsNoRowButIsCounted) {
  Connection connection = open_as("monitor");
  Connection idle = open_as("nobody");
  ActivitySnapshot snapshot = poll(connection);
  // The server takes a moment to see that sessions of the tests before were closed.
  const auto give_up = std::chrono::steady_clock::now() + seconds(10);
  while (sessions_in(snapshot, "idle") != 1 && std::chrono::steady_clock::now() < give_up)
    snapshot = poll(connection);
  EXPECT_EQ(sessions_in(snapshot, "idle"), 1);
  EXPECT_EQ(find_row(snapshot, idle.backend_pid()), nullptr);
}

TEST_F(ActivityPoll, IdleSessionIsARowWhereARuleAsksForIt) {
  Connection connection = open_as("monitor");
  Connection idle = open_as("nobody");
  ask(idle, "SELECT 42");
  const ActivitySnapshot snapshot = poll(connection, true);
  const Activity* row = find_row(snapshot, idle.backend_pid());
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->state, "idle");
  EXPECT_EQ(row->query, "SELECT 42");
  EXPECT_EQ(row->xact_start, std::nullopt);
  EXPECT_EQ(row->xact_age, std::nullopt);
  EXPECT_TRUE(row->state_age.has_value());
}

TEST_F(ActivityPoll, NothingToSeeStillTellsTheServerAndTheCounts) {
  Connection connection = open_as("monitor");
  const ActivitySnapshot snapshot = poll(connection);
  EXPECT_TRUE(snapshot.rows.empty());
  EXPECT_GT(sessions_in(snapshot, ""), 0) << "checkpointer and its like";
  EXPECT_FALSE(snapshot.server.in_recovery);
  EXPECT_EQ(snapshot.server.timeline, 1) << "of a cluster that was never promoted";
  EXPECT_EQ(snapshot.server.version_num, connection.server_version());
  EXPECT_EQ(snapshot.server.system_identifier, connection.system_identifier());
  EXPECT_EQ(
      snapshot.server.version + " ",
      ask_text(connection, "SELECT current_setting('server_version') || ' '")
          .substr(0, snapshot.server.version.size() + 1)
  );
}

TEST_F(ActivityPoll, ProcessesWithoutAStateAreRowsOnlyWhereARuleAsksForThem) {
  Connection connection = open_as("monitor");
  const ActivitySnapshot snapshot = poll(connection, false, true);
  EXPECT_EQ(static_cast<std::int64_t>(snapshot.rows.size()), sessions_in(snapshot, ""));
  bool checkpointer = false;
  for (const Activity& row : snapshot.rows) {
    EXPECT_EQ(row.state, std::nullopt) << row.backend_type;
    checkpointer = checkpointer || row.backend_type == "checkpointer";
  }
  EXPECT_TRUE(checkpointer);
}

TEST_F(ActivityPoll, ActiveBackendIsSeenWhole) {
  Connection connection = open_as("monitor");
  Connection sleeper = to(cluster().tcp_dsn("postgres"));
  ASSERT_TRUE(run(sleeper.open(within(seconds{20}))));
  const Session& session = start(std::move(sleeper), "SELECT pg_sleep(55)", connection);
  const ActivitySnapshot snapshot = poll(connection);
  const Activity* row = find_row(snapshot, session.connection.backend_pid());
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->backend_type, "client backend");
  EXPECT_EQ(row->database, "postgres");
  EXPECT_EQ(row->user, "postgres");
  EXPECT_EQ(row->application_name, "pghangd");
  EXPECT_EQ(row->client_address, "127.0.0.1");
  EXPECT_FALSE(row->local_client);
  EXPECT_EQ(row->state, "active");
  EXPECT_EQ(row->wait_event_type, "Timeout");
  EXPECT_EQ(row->wait_event, "PgSleep");
  EXPECT_EQ(row->leader_pid, std::nullopt);
  EXPECT_EQ(row->query, "SELECT pg_sleep(55)");
  EXPECT_TRUE(row->superuser);
  EXPECT_EQ(sessions_in(snapshot, "active"), 1);
}

TEST_F(ActivityPoll, AgesAreTheServersClockMinusItsTimestamps) {
  Connection connection = open_as("monitor");
  const Session& session = start(open_as("nobody"), "SELECT pg_sleep(55)", connection);
  const ActivitySnapshot snapshot = poll(connection);
  const Activity* row = find_row(snapshot, session.connection.backend_pid());
  ASSERT_NE(row, nullptr);
  ASSERT_TRUE(row->xact_age && row->query_age && row->state_age);
  EXPECT_EQ(row->xact_age->count(), snapshot.taken_at.micros - row->xact_start->micros);
  EXPECT_EQ(row->query_age->count(), snapshot.taken_at.micros - row->query_start->micros);
  EXPECT_EQ(row->state_age->count(), snapshot.taken_at.micros - row->state_change->micros);
  EXPECT_FALSE(row->superuser);
  EXPECT_EQ(row->client_address, std::nullopt) << "a UNIX socket";
  EXPECT_TRUE(row->local_client);
}

TEST_F(ActivityPoll, QueryIdAndAgeOfTheSnapshotAreTheServers) {
  Connection connection = open_as("monitor");
  Connection sleeper = open_as("postgres");
  ask(sleeper, "SET compute_query_id = on");
  const Session& session = start(std::move(sleeper), "SELECT pg_sleep(55)", connection);
  const ActivitySnapshot before = poll(connection);
  const Activity* row = find_row(before, session.connection.backend_pid());
  ASSERT_NE(row, nullptr);
  EXPECT_NE(row->query_id.value_or(0), 0);
  ASSERT_TRUE(row->xmin_age);
  Connection writer = open_as("postgres");
  ask(writer, "SELECT pg_catalog.txid_current()");
  const ActivitySnapshot after = poll(connection);
  const Activity* later = find_row(after, session.connection.backend_pid());
  ASSERT_NE(later, nullptr);
  EXPECT_EQ(later->xmin_age.value_or(0), *row->xmin_age + 1);
}

TEST_F(ActivityPoll, TimestampsGoBackToTheServerAsTheVeryOnesItShowed) {
  Connection connection = open_as("monitor");
  const Session& session = start(open_as("nobody"), "SELECT pg_sleep(55)", connection);
  const ActivitySnapshot snapshot = poll(connection);
  const Activity* row = find_row(snapshot, session.connection.backend_pid());
  ASSERT_NE(row, nullptr);
  const QueryResult same = ask(
      connection,
      "SELECT backend_start = $2 AND xact_start = $3 AND query_start = $4 AND state_change = $5,"
      " backend_start::text = $2::text AND state_change::text = $5::text"
      " FROM pg_stat_activity WHERE pid = $1",
      {int4_parameter(row->key.pid),
       timestamptz_parameter(row->key.backend_start),
       timestamptz_parameter(row->xact_start),
       timestamptz_parameter(row->query_start),
       timestamptz_parameter(row->state_change)}
  );
  EXPECT_EQ(same.boolean(0, 0), true);
  EXPECT_EQ(same.boolean(0, 1), true);
}

TEST_F(ActivityPoll, IdleInTransactionIsARow) {
  Connection connection = open_as("monitor");
  Connection holder = open_as("nobody");
  ask(holder, "BEGIN");
  const ActivitySnapshot snapshot = poll(connection);
  const Activity* row = find_row(snapshot, holder.backend_pid());
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->state, "idle in transaction");
  EXPECT_TRUE(row->xact_age.has_value());
  EXPECT_EQ(sessions_in(snapshot, "idle in transaction"), 1);
}

TEST_F(ActivityPoll, RoleWithoutPgMonitorSeesNullsAndNoGuesses) {
  Connection watcher = open_as("monitor");
  const Session& session = start(open_as("monitor"), "SELECT pg_sleep(55)", watcher);
  Connection connection = open_as("nobody");
  EXPECT_EQ(find_row(poll(connection), session.connection.backend_pid()), nullptr)
      << "its state is NULL to this role";
  const ActivitySnapshot snapshot = poll(connection, true, true);
  const Activity* row = find_row(snapshot, session.connection.backend_pid());
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->query, "<insufficient privilege>");
  EXPECT_EQ(row->key.backend_start, PgTimestamp{}) << "no identity, so no signal can match it";
  EXPECT_EQ(row->backend_type, "");
  EXPECT_EQ(row->user, "monitor");
  for (const auto& hidden :
       {row->state, row->client_address, row->wait_event, row->wait_event_type})
    EXPECT_EQ(hidden, std::nullopt);
  for (const auto& hidden : {row->xact_start, row->query_start, row->state_change})
    EXPECT_EQ(hidden, std::nullopt);
  for (const auto& hidden : {row->xact_age, row->query_age, row->state_age})
    EXPECT_EQ(hidden, std::nullopt);
}

TEST_F(ActivityPoll, ParallelWorkersAreRowsWithTheirLeader) {
  Connection connection = open_as("monitor");
  Connection leader = open_as("postgres");
  ask(leader, "SET force_parallel_mode = on");
  const Session& session = start(std::move(leader), "SELECT pg_sleep(55)", connection);
  const pid_t leader_pid = session.connection.backend_pid();
  const Activity* worker = nullptr;
  ActivitySnapshot snapshot;
  for (int i = 0; i < 10'000 && worker == nullptr; ++i) {
    snapshot = poll(connection);
    for (const Activity& row : snapshot.rows) {
      if (row.leader_pid == leader_pid && row.key.pid != leader_pid) worker = &row;
    }
  }
  ASSERT_NE(worker, nullptr);
  EXPECT_EQ(worker->backend_type, "parallel worker");
  EXPECT_EQ(worker->state, "active");
}

TEST_F(ActivityPoll, QueryTextIsCutToBytesAndNeverInsideACharacter) {
  Connection connection = open_as("monitor");
  const Session& session = start(open_as("nobody"), "SELECT '\u20ac', pg_sleep(55)", connection);
  const auto cut_to = [&](std::uint32_t bytes) {
    const auto snapshot =
        run(collect_activity(connection, {false, false, bytes}, within(seconds{20})));
    const Activity* row = find_row(*snapshot, session.connection.backend_pid());
    return row == nullptr ? "(gone)" : row->query;
  };
  EXPECT_EQ(cut_to(11), "SELECT '\u20ac");
  EXPECT_EQ(cut_to(10), "SELECT '");
  EXPECT_EQ(cut_to(9), "SELECT '");
  EXPECT_EQ(cut_to(6), "SELECT");
  EXPECT_EQ(cut_to(0), "");
  EXPECT_EQ(cut_to(0xffffffff), "SELECT '\u20ac', pg_sleep(55)");
}

TEST_F(ActivityPoll, TextOfADatabaseInAnotherEncodingDoesNotEndThePoll) {
  Connection connection = open_as("monitor");
  Connection latin = to(cluster().dsn("nobody") + " dbname=latin");
  ASSERT_TRUE(run(latin.open(within(seconds{20}))));
  const Session& session = start(std::move(latin), "SELECT pg_sleep(55) -- caf\u00e9", connection);
  const ActivitySnapshot snapshot = poll(connection);
  const Activity* row = find_row(snapshot, session.connection.backend_pid());
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->query, "SELECT pg_sleep(55) -- caf?");
  EXPECT_EQ(row->database, "latin");
}

TEST_F(ActivityPoll, StatementsOfAllVersionsUpToThisOneRunHere) {
  Connection connection = open_as("monitor");
  Connection idle = open_as("nobody");
  for (const int version :
       {100000, 110000, 120000, 130000, 140000, 150000, 160000, 170000, 180000}) {
    const QueryResult result =
        ask(connection,
            activity_sql(version),
            {bool_parameter(true), bool_parameter(true), int4_parameter(100)});
    EXPECT_GT(result.rows(), 1) << version;
  }
}

TEST_F(ActivityPoll, CatalogThatSomebodyLockedEndsInALockTimeout) {
  Connection holder = open_as("postgres");
  Polling polling;
  polling.statement_timeout = std::chrono::milliseconds{400};
  Connection connection = open_as("monitor", polling);
  ask(holder, "BEGIN");
  ask(holder, "LOCK TABLE pg_authid IN ACCESS EXCLUSIVE MODE");
  const auto snapshot = run(collect_activity(connection, {}, within(seconds{20})));
  ask(holder, "ROLLBACK");
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error(), (Error{Errc::refused, "canceling statement due to lock timeout"}));
  EXPECT_TRUE(connection.connected());
}

TEST_F(ActivityPoll, WithoutAConnectionIsDisconnected) {
  Connection connection = to(cluster().dsn());
  const auto snapshot = run(collect_activity(connection, {}, within(seconds{20})));
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error().code, Errc::disconnected);
}

}  // namespace
}  // namespace pghang::tests
