#pragma once

#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "collectors/evidence/locks.h"
#include "collectors/postgres/connection.h"

namespace pghang {

/// pg_blocking_pids() walks the lock's whole queue under every lock partition: 900 waiters asked
/// one by one cost 81 ms. So at most this many are asked, the first of each queue before the second
/// of any; where the others of a queue wait is the same.
inline constexpr int kMaxBlockingPids = 50;
/// Waiting processes that are listed at all.
inline constexpr int kMaxLockWaits = 500;
/// Prepared transactions that are listed.
inline constexpr int kMaxPrepared = 50;

struct LockQuestion {
  std::vector<pid_t> first;    ///< asked for before all others, if they wait
  Duration statement_limit{};  ///< the server ends each statement after this
};

/// One statement over pg_locks (read once) for a server version (server_version_num, 100000 and
/// later). Parameters: the pids to ask first, as `,`-separated text; limits of the two lists above.
[[nodiscard]] std::string lock_waits_sql(int server_version_num);

/// Which prepared transactions hold these locks. Parameters: their tags, one per line; the limit.
[[nodiscard]] std::string prepared_transactions_sql();

/// Reads who waits for whom. Up to four short statements, one after the other, on an open
/// connection that nobody else uses meanwhile; the session's own statement_timeout is back in place
/// afterwards, or the connection is closed. A failure to list prepared transactions leaves that
/// list empty; any other is the result.
[[nodiscard]] boost::asio::awaitable<Result<LockSnapshot>>
collect_locks(Connection& connection, LockQuestion question, Deadline deadline);

}  // namespace pghang
