#include "daemon/targets/postgres_enforcer_lock.h"

#include <utility>

namespace pghang {
namespace {

constexpr Duration kAnswerMargin{500};

std::string call(const char* function) {
  return std::string("SELECT pg_catalog.") + function + "(" + std::to_string(kEnforcerLockClass) +
         ", " + std::to_string(kEnforcerLockObject) + ")";
}

// objsubid 2: a key of two int4 (SET_LOCKTAG_ADVISORY of lock.h).
std::string holder_sql() {
  return "SELECT l.pid, a.application_name, pg_catalog.host(a.client_addr)"
         " FROM pg_catalog.pg_locks AS l"
         " LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid"
         " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2"
         " AND l.classid = " +
         std::to_string(kEnforcerLockClass) +
         " AND l.objid = " + std::to_string(kEnforcerLockObject) +
         " AND l.pid <> pg_catalog.pg_backend_pid() ORDER BY l.pid LIMIT 1";
}

}  // namespace

boost::asio::awaitable<Result<std::optional<std::string>>>
enforcer_lock_holder(Connection& connection, Deadline deadline) {
  std::vector<QueryParameter> none;
  const auto result = co_await connection.query(holder_sql(), std::move(none), deadline);
  if (!result) co_return result.error();
  if (result->rows() == 0) co_return std::optional<std::string>();
  std::string holder = "pid " + std::to_string(result->integer(0, 0).value_or(0));
  std::string who = result->text(0, 1).value_or("");
  if (const auto address = result->text(0, 2)) who += (who.empty() ? "" : ", ") + *address;
  if (!who.empty()) holder += " (" + who + ")";
  co_return std::optional<std::string>(std::move(holder));
}

PostgresEnforcerLock::PostgresEnforcerLock(Connection& connection, Duration timeout)
    : connection_(connection),
      timeout_(timeout) {}

boost::asio::awaitable<LockAnswer> PostgresEnforcerLock::take() {
  LockAnswer answer;
  if (connection_.connected() && held_in_ == connection_.sessions()) {
    answer.ours = true;
    co_return answer;
  }
  held_in_ = 0;
  const Deadline deadline = std::chrono::steady_clock::now() + timeout_ + kAnswerMargin;
  std::vector<QueryParameter> none;
  const auto taken = co_await connection_.query(call("pg_try_advisory_lock"), none, deadline);
  if (!taken) {
    answer.holder = "unknown, the lock cannot be asked for: " + taken.error().context;
    co_return answer;
  }
  const auto other = co_await enforcer_lock_holder(connection_, deadline);
  const bool got = taken->boolean(0, 0).value_or(false);
  if (got && other && !*other) {
    held_in_ = connection_.sessions();
    answer.ours = true;
    co_return answer;
  }
  answer.holder = !other   ? "unknown, pg_locks cannot be read: " + other.error().context
                  : *other ? **other
                           : "one that has just let go";
  if (got) (void)co_await connection_.query(call("pg_advisory_unlock"), none, deadline);
  co_return answer;
}

boost::asio::awaitable<void> PostgresEnforcerLock::release() {
  const bool held = connection_.connected() && held_in_ == connection_.sessions();
  held_in_ = 0;
  if (!held) co_return;
  const Deadline deadline = std::chrono::steady_clock::now() + timeout_ + kAnswerMargin;
  std::vector<QueryParameter> none;
  const auto released = co_await connection_.query(call("pg_advisory_unlock"), none, deadline);
  // What is not let go would keep every other daemon from enforcing.
  if (!released) connection_.close();
}

}  // namespace pghang
