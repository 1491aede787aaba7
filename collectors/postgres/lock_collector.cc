#include "collectors/postgres/lock_collector.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>
#include <utility>

#include "collectors/postgres/utf8.h"

namespace pghang {
namespace asio = boost::asio;

namespace {

/// The columns of lock_waits_sql(), in its order.
enum Column : int {
  waiters,
  pid,
  blocking_pids,
  object,
  locktype,
  mode,
  relation,
  datname,
  waiting_for,
  elapsed,
};

/// The columns of prepared_transactions_sql(), in its order.
enum PreparedColumn : int { prepared_at, gid, owner, database, prepared_age, held_object };

std::string clean_text(const QueryResult& result, int row, int column) {
  return valid_utf8(result.text(row, column).value_or(""));
}

/// `4711,4712`. A backend that holds the lock in several ways is named as often.
std::vector<pid_t> pids(std::string_view text) {
  std::set<pid_t> found;
  while (!text.empty()) {
    const std::string_view number = text.substr(0, text.find(','));
    text.remove_prefix(std::min(number.size() + 1, text.size()));
    pid_t value = 0;
    std::from_chars(number.data(), number.data() + number.size(), value);
    found.insert(value);
  }
  return {found.begin(), found.end()};
}

std::string joined(const std::vector<pid_t>& pids) {
  std::string text;
  for (const pid_t each : pids)
    text += (text.empty() ? "" : ",") + std::to_string(each);
  return text;
}

LockWait lock_wait(const QueryResult& result, int row, pid_t waiter) {
  LockWait wait;
  wait.waiter = waiter;
  if (const auto text = result.text(row, blocking_pids)) wait.blockers = pids(*text);
  wait.object = clean_text(result, row, object);
  wait.lock_type = clean_text(result, row, locktype);
  wait.mode = clean_text(result, row, mode);
  wait.relation = clean_text(result, row, relation);
  wait.database = clean_text(result, row, datname);
  if (const auto micros = result.integer(row, waiting_for)) {
    wait.waiting_for = Micros{std::max<std::int64_t>(*micros, 0)};
  }
  return wait;
}

LockSnapshot lock_snapshot(const QueryResult& result) {
  LockSnapshot snapshot;
  for (int row = 0; row < result.rows(); ++row) {
    snapshot.waiters = std::max(snapshot.waiters, result.integer(row, waiters).value_or(0));
    snapshot.server_time =
        std::max(snapshot.server_time, Micros{result.integer(row, elapsed).value_or(0)});
    const std::optional<std::int64_t> waiter = result.integer(row, pid);
    if (waiter) snapshot.waits.push_back(lock_wait(result, row, static_cast<pid_t>(*waiter)));
  }
  return snapshot;
}

/// The locks that some prepared transaction keeps somebody from, one per line.
std::string held_by_prepared(const LockSnapshot& snapshot) {
  std::set<std::string> objects;
  for (const LockWait& wait : snapshot.waits) {
    if (wait.blockers && std::ranges::binary_search(*wait.blockers, 0)) objects.insert(wait.object);
  }
  std::string lines;
  for (const std::string& each : objects)
    lines += (lines.empty() ? "" : "\n") + each;
  return lines;
}

std::vector<PreparedTransaction> prepared_transactions(const QueryResult& result) {
  std::vector<PreparedTransaction> all;
  for (int row = 0; row < result.rows(); ++row) {
    PreparedTransaction& one = all.emplace_back();
    one.gid = clean_text(result, row, gid);
    one.owner = clean_text(result, row, owner);
    one.database = clean_text(result, row, database);
    one.age = Micros{std::max<std::int64_t>(result.integer(row, prepared_age).value_or(0), 0)};
    one.object = clean_text(result, row, held_object);
  }
  return all;
}

asio::awaitable<Result<LockSnapshot>>
read_locks(Connection& connection, std::vector<pid_t> first, Deadline deadline) {
  std::vector<QueryParameter> parameters;
  parameters.push_back(text_parameter(joined(first)));
  parameters.push_back(int4_parameter(kMaxBlockingPids));
  parameters.push_back(int4_parameter(kMaxLockWaits));
  const Result<QueryResult> result = co_await connection.query(
      lock_waits_sql(connection.server_version()),
      std::move(parameters),
      deadline
  );
  if (!result) co_return result.error();
  LockSnapshot snapshot = lock_snapshot(*result);
  const std::string objects = held_by_prepared(snapshot);
  if (objects.empty()) co_return std::move(snapshot);

  std::vector<QueryParameter> wanted;
  wanted.push_back(text_parameter(objects));
  wanted.push_back(int4_parameter(kMaxPrepared));
  const Result<QueryResult> prepared =
      co_await connection.query(prepared_transactions_sql(), std::move(wanted), deadline);
  if (!connection.connected()) co_return prepared.error();
  if (prepared) snapshot.prepared = prepared_transactions(*prepared);
  co_return std::move(snapshot);
}

}  // namespace

asio::awaitable<Result<LockSnapshot>>
collect_locks(Connection& connection, LockQuestion question, Deadline deadline) {
  std::vector<QueryParameter> limit;
  limit.push_back(
      text_parameter(std::to_string(std::max<Duration::rep>(question.statement_limit.count(), 1)))
  );
  const Result<QueryResult> limited = co_await connection.query(
      "SELECT pg_catalog.set_config('statement_timeout', $1, false)",
      std::move(limit),
      deadline
  );
  if (!limited) co_return limited.error();
  Result<LockSnapshot> snapshot =
      co_await read_locks(connection, std::move(question.first), deadline);
  if (!connection.connected()) co_return snapshot;
  // The start-up packet's value is what RESET goes back to.
  const Result<QueryResult> restored =
      co_await connection.query("RESET statement_timeout", {}, deadline);
  if (!restored) connection.close();
  co_return snapshot;
}

}  // namespace pghang
