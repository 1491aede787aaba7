#include "daemon/targets/postgres_ports.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "collectors/postgres/lock_collector.h"

namespace pghang {
namespace {

// The server's statement_timeout ends a slow statement first and says so; the client's own deadline
// is for a server that does not answer at all.
constexpr Duration kAnswerMargin{500};

// Fifty times what fifty questions cost among 900 waiters: beyond that the poll is worth more.
constexpr Duration kLockStatementLimit{250};

Deadline deadline_after(Duration timeout) {
  return std::chrono::steady_clock::now() + timeout + kAnswerMargin;
}

/// The first thing the server said beside its answer: why pg_terminate_backend returned false.
std::string first_notice(const QueryResult& result) {
  return result.notices().empty() ? std::string() : result.notices().front();
}

}  // namespace

PostgresActivitySource::PostgresActivitySource(
    Connection& connection,
    Polling polling,
    ActivityFilter filter
)
    : connection_(connection),
      polling_(polling),
      filter_(filter) {}

void PostgresActivitySource::configure(Polling polling, ActivityFilter filter) {
  polling_ = polling;
  filter_ = filter;
}

boost::asio::awaitable<Result<ActivitySnapshot>> PostgresActivitySource::poll() {
  if (!connection_.connected()) {
    const auto deadline = std::chrono::steady_clock::now() + polling_.connect_timeout;
    if (const auto opened = co_await connection_.open(deadline); !opened) {
      co_return opened.error();
    }
  }
  co_return co_await collect_activity(
      connection_,
      filter_,
      deadline_after(polling_.statement_timeout)
  );
}

PostgresLockSource::PostgresLockSource(Connection& connection, Duration timeout)
    : connection_(connection),
      timeout_(std::min(timeout, kLockStatementLimit)) {}

boost::asio::awaitable<Result<LockSnapshot>> PostgresLockSource::locks(std::vector<pid_t> first) {
  // Named: GCC 12 destroys an aggregate made in the argument of a co_await twice.
  LockQuestion question{std::move(first), timeout_};
  co_return co_await collect_locks(connection_, std::move(question), deadline_after(2 * timeout_));
}

std::string signal_sql(escalation::SignalKind kind) {
  const std::string function = kind == escalation::SignalKind::cancel
                                   ? "pg_catalog.pg_cancel_backend"
                                   : "pg_catalog.pg_terminate_backend";
  // pg_stat_get_activity(pid) shows one backend without the view's joins: the shortest way from
  // looking to signalling, though it too copies what all sessions say of themselves (no function
  // reads one slot). A second look, at the backend's virtual transaction id in pg_lock_status(),
  // only widens the window, since that walks all locks: with 1,000 connections 39 of 438 aimed
  // cancels hit the next statement, against 2 of 446. The select list is evaluated left to right,
  // after the guard.
  return "SELECT " + function +
         "(a.pid), (extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000000)::int8"
         " FROM pg_catalog.pg_stat_get_activity($1) AS a"
         " WHERE a.pid = $1 AND a.backend_start = $2 AND a.xact_start IS NOT DISTINCT FROM $3"
         " AND (NOT $4 OR a.query_start IS NOT DISTINCT FROM $5)"
         " AND (NOT $6 OR a.state_change IS NOT DISTINCT FROM $7)"
         " AND a.state IS NOT DISTINCT FROM $8";
}

PostgresSignaller::PostgresSignaller(Connection& connection, Duration timeout)
    : connection_(connection),
      timeout_(timeout) {}

boost::asio::awaitable<SignalReply> PostgresSignaller::send(escalation::SignalOrder order) {
  using escalation::SignalAnswer;
  const escalation::Guard& guard = order.guard;
  std::vector<QueryParameter> parameters{
      int4_parameter(guard.backend.pid),
      timestamptz_parameter(guard.backend.backend_start),
      timestamptz_parameter(guard.xact_start),
      bool_parameter(guard.check_query_start),
      timestamptz_parameter(guard.query_start),
      bool_parameter(guard.check_state_change),
      timestamptz_parameter(guard.state_change),
      guard.state ? text_parameter(*guard.state) : QueryParameter{25, std::nullopt},
  };
  const auto result = co_await connection_.query(
      signal_sql(order.kind),
      std::move(parameters),
      deadline_after(timeout_)
  );
  SignalReply reply;
  reply.answered_at = std::chrono::steady_clock::now();
  if (!result) {
    const Error& error = result.error();
    const bool answered = error.code == Errc::refused || error.code == Errc::permission_denied;
    reply.answer = answered ? SignalAnswer::refused : SignalAnswer::unknown;
    reply.words = error.context;
  } else if (result->rows() == 0) {
    reply.answer = SignalAnswer::superseded;
  } else if (result->boolean(0, 0).value_or(false)) {
    reply.answer = SignalAnswer::accepted;
    reply.window = std::chrono::microseconds(result->integer(0, 1).value_or(0));
  } else {
    reply.answer = SignalAnswer::refused;
    reply.words = first_notice(*result);
  }
  co_return reply;
}

}  // namespace pghang
