#include <algorithm>
#include <deque>
#include <string>

#include "collectors/postgres/lock_collector.h"
#include "tests/collectors/postgres/server_fixture.h"

namespace pghang::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LockCollector : public ServerTest {
 protected:
  void SetUp() override {
    Connection connection = open_as("postgres");
    ask(connection, "DROP TABLE IF EXISTS public.queue");
    ask(connection, "CREATE TABLE public.queue (line int)");
    ask(connection, "GRANT ALL ON public.queue TO nobody");
  }

  void TearDown() override {
    // A prepared transaction outlives its session and would lock the table for good.
    {
      Connection connection = open_as("postgres");
      for (;;) {
        const QueryResult left = ask(connection, "SELECT gid FROM pg_prepared_xacts LIMIT 1");
        if (left.rows() == 0) break;
        ask(connection, "ROLLBACK PREPARED '" + left.text(0, 0).value_or("") + "'");
      }
    }
    ServerTest::TearDown();
  }

  [[nodiscard]] Connection holder(const std::string& mode = "ACCESS EXCLUSIVE") {
    Connection connection = open_as("nobody", unhurried());
    ask(connection, "BEGIN");
    ask(connection, "LOCK TABLE public.queue IN " + mode + " MODE");
    return connection;
  }

  pid_t start_waiter(Connection& observer, const std::string& sql = "TABLE public.queue") {
    return start(open_as("nobody", unhurried()), sql, observer).connection.backend_pid();
  }

  /// Until so many wait: a statement is seen active a moment before it waits.
  [[nodiscard]] LockSnapshot
  locks(Connection& connection, std::int64_t waiters, std::vector<pid_t> first = {}) {
    LockSnapshot snapshot;
    const Deadline limit = within(seconds{30});
    do {
      const auto result =
          run(collect_locks(connection, {first, milliseconds{2000}}, within(seconds{20})));
      EXPECT_TRUE(result) << result.error().context;
      if (!result) return {};
      snapshot = *result;
    } while (snapshot.waiters < waiters && std::chrono::steady_clock::now() < limit);
    EXPECT_EQ(snapshot.waiters, waiters);
    return snapshot;
  }

 private:
  static Polling unhurried() {
    Polling polling = patient();
    polling.statement_timeout = seconds{300};
    return polling;
  }
};

std::size_t asked(const LockSnapshot& snapshot) {
  return static_cast<std::size_t>(std::ranges::count_if(snapshot.waits, [](const LockWait& wait) {
    return wait.blockers.has_value();
  }));
}

TEST_F(LockCollector, NobodyWaitingIsAnEmptyListThatTellsItsCost) {
  Connection connection = open_as("monitor");
  const LockSnapshot snapshot = locks(connection, 0);
  EXPECT_TRUE(snapshot.waits.empty());
  EXPECT_GT(snapshot.server_time.count(), 0);
}

TEST_F(LockCollector, WaiterNamesTheIdleTransactionThatHoldsTheTable) {
  Connection connection = open_as("monitor");
  Connection idle = holder();
  const pid_t waiter = start_waiter(connection);
  const LockSnapshot snapshot = locks(connection, 1);
  ASSERT_EQ(snapshot.waits.size(), 1U);
  const LockWait& wait = snapshot.waits[0];
  EXPECT_EQ(wait.waiter, waiter);
  EXPECT_EQ(wait.blockers, std::vector<pid_t>{idle.backend_pid()});
  EXPECT_EQ(wait.lock_type, "relation");
  EXPECT_EQ(wait.mode, "AccessShareLock");
  EXPECT_EQ(wait.relation, "public.queue");
  EXPECT_EQ(wait.database, "postgres");
  EXPECT_EQ(wait.waiting_for.has_value(), connection.server_version() >= 140000);
  const Activity* row = find_row(poll(connection), idle.backend_pid());
  EXPECT_NE(row, nullptr);
  ask(idle, "ROLLBACK");
}

TEST_F(LockCollector, RowLockIsATransactionsEnd) {
  Connection connection = open_as("monitor");
  Connection writer = open_as("nobody");
  ask(writer, "INSERT INTO public.queue VALUES (1)");
  ask(writer, "BEGIN");
  ask(writer, "UPDATE public.queue SET line = 2");
  start_waiter(connection, "UPDATE public.queue SET line = 3");
  const LockSnapshot snapshot = locks(connection, 1);
  ASSERT_EQ(snapshot.waits.size(), 1U);
  EXPECT_EQ(snapshot.waits[0].lock_type, "transactionid");
  EXPECT_EQ(snapshot.waits[0].relation, "");
  EXPECT_EQ(snapshot.waits[0].blockers, std::vector<pid_t>{writer.backend_pid()});
  ask(writer, "ROLLBACK");
}

TEST_F(LockCollector, PreparedTransactionIsNamedWithOwnerDatabaseAndAge) {
  Connection connection = open_as("monitor");
  Connection coordinator = holder();
  ask(coordinator, "PREPARE TRANSACTION 'it''s x'");
  Connection unrelated = open_as("nobody");
  ask(unrelated, "BEGIN");
  ask(unrelated, "SELECT pg_catalog.pg_advisory_xact_lock(1)");
  ask(unrelated, "PREPARE TRANSACTION 'unrelated'");
  start_waiter(connection);
  const LockSnapshot snapshot = locks(connection, 1);
  ASSERT_EQ(snapshot.waits.size(), 1U);
  EXPECT_EQ(snapshot.waits[0].blockers, std::vector<pid_t>{0});
  ASSERT_EQ(snapshot.prepared.size(), 1U) << "only those that somebody waits for";
  const PreparedTransaction& prepared = snapshot.prepared[0];
  EXPECT_EQ(prepared.gid, "it's x");
  EXPECT_EQ(prepared.owner, "nobody");
  EXPECT_EQ(prepared.database, "postgres");
  EXPECT_EQ(prepared.object, snapshot.waits[0].object);
  EXPECT_LT(prepared.age, seconds{60});
  ask(coordinator, "ROLLBACK PREPARED 'it''s x'");
}

TEST_F(LockCollector, SixtyWaitersAreAllListedAndFiftyAreAskedAbout) {
  Connection connection = open_as("monitor");
  Connection idle = holder();
  std::vector<pid_t> waiters;
  for (int i = 0; i < 60; ++i)
    waiters.push_back(start_waiter(connection));
  const LockSnapshot snapshot = locks(connection, 60);
  EXPECT_EQ(snapshot.waits.size(), 60U);
  EXPECT_EQ(asked(snapshot), static_cast<std::size_t>(kMaxBlockingPids));
  EXPECT_TRUE(snapshot.waits[0].blockers.has_value());
  EXPECT_EQ(snapshot.waits[0].waiter, waiters[0]) << "the head of the queue";
  EXPECT_FALSE(snapshot.waits[59].blockers.has_value());

  const LockSnapshot named = locks(connection, 60, {waiters[59]});
  EXPECT_EQ(named.waits[0].waiter, waiters[59]) << "a matched backend comes before the queue";
  EXPECT_EQ(asked(named), static_cast<std::size_t>(kMaxBlockingPids));
  ask(idle, "ROLLBACK");
}

TEST_F(LockCollector, HeadOfEveryQueueIsAskedAboutBeforeTheSecondOfAny) {
  Connection connection = open_as("monitor");
  Connection idle = holder();
  ask(idle, "SELECT pg_catalog.pg_advisory_xact_lock(7)");
  start_waiter(connection);
  const pid_t second = start_waiter(connection);
  start_waiter(connection, "SELECT pg_catalog.pg_advisory_xact_lock(7)");
  const LockSnapshot snapshot = locks(connection, 3);
  ASSERT_EQ(snapshot.waits.size(), 3U);
  EXPECT_EQ(snapshot.waits[2].waiter, second);
  ask(idle, "ROLLBACK");
}

TEST_F(LockCollector, OwnLimitEndsItAndTheSessionsIsBackInPlace) {
  Connection superuser = open_as("postgres");
  Connection connection = open_as("monitor");
  ask(superuser, "BEGIN");
  ask(superuser, "LOCK TABLE pg_database IN ACCESS EXCLUSIVE MODE");
  const auto snapshot =
      run(collect_locks(connection, {{}, milliseconds{200}}, within(seconds{20})));
  ask(superuser, "ROLLBACK");
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(
      snapshot.error(),
      (Error{Errc::timeout, "canceling statement due to statement timeout"})
  );
  EXPECT_TRUE(connection.connected()) << "the poll goes on over it";
  EXPECT_EQ(ask_text(connection, "SHOW statement_timeout"), "1min");
}

TEST_F(LockCollector, ConnectionThatDoesNotAnswerIsClosed) {
  Connection connection = open_as("monitor");
  Connection superuser = open_as("postgres");
  ask(superuser, "BEGIN");
  ask(superuser, "LOCK TABLE pg_database IN ACCESS EXCLUSIVE MODE");
  const auto snapshot =
      run(collect_locks(connection, {{}, milliseconds{20'000}}, within(milliseconds{300})));
  ask(superuser, "ROLLBACK");
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error().code, Errc::timeout);
  EXPECT_FALSE(connection.connected());
}

TEST_F(LockCollector, StatementsOfAllVersionsUpToThisOneRunHere) {
  Connection connection = open_as("monitor");
  for (const int version : {100000, 110000, 120000, 130000, 140000, 150000, 160000, 170000, 180000})
    ask(connection,
        lock_waits_sql(version),
        {text_parameter("1,2"), int4_parameter(50), int4_parameter(500)});
}

TEST_F(LockCollector, RoleWithoutAnyGrantSeesTheSame) {
  Connection connection = open_as("postgres");
  Connection idle = holder();
  start_waiter(connection);
  Connection powerless = open_as("nobody");
  EXPECT_EQ(locks(powerless, 1).waits.at(0).relation, "public.queue");
  ask(idle, "ROLLBACK");
}

}  // namespace
}  // namespace pghang::tests
