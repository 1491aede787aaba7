#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "collectors/evidence/identity.h"
#include "config/result.h"
#include "config/settings.h"

namespace pghang {

using Deadline = std::chrono::steady_clock::time_point;

/// One parameter of a statement, sent in binary. Absent value: NULL.
struct QueryParameter {
  std::uint32_t type_oid = 0;
  std::optional<std::string> bytes;
};

[[nodiscard]] QueryParameter int4_parameter(std::int32_t value);
[[nodiscard]] QueryParameter int8_parameter(std::int64_t value);
[[nodiscard]] QueryParameter text_parameter(std::string_view value);
[[nodiscard]] QueryParameter bool_parameter(bool value);
[[nodiscard]] QueryParameter timestamptz_parameter(std::optional<PgTimestamp> value);

/// A result in binary format. Accessors return nothing for NULL or for a value of another width.
class QueryResult {
 public:
  QueryResult();
  QueryResult(QueryResult&&) noexcept;
  QueryResult& operator=(QueryResult&&) noexcept;
  QueryResult(const QueryResult&) = delete;
  QueryResult& operator=(const QueryResult&) = delete;
  ~QueryResult();

  [[nodiscard]] int rows() const;
  [[nodiscard]] bool is_null(int row, int column) const;
  [[nodiscard]] std::optional<std::string> text(int row, int column) const;
  [[nodiscard]] std::optional<std::int64_t> integer(int row, int column)
      const;  ///< int2, int4, int8
  [[nodiscard]] std::optional<bool> boolean(int row, int column) const;
  [[nodiscard]] std::optional<PgTimestamp> timestamp(int row, int column) const;
  /// WARNING and NOTICE messages that came with it, primary text only.
  [[nodiscard]] const std::vector<std::string>& notices() const;

 private:
  friend class Connection;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One asynchronous libpq connection on Asio. Every call has a deadline and none blocks the loop.
/// One call at a time; the caller serializes. After `timeout` or `disconnected` the connection is
/// closed and the next open() starts anew; a statement that timed out is ended by the server's
/// statement_timeout. A call whose coroutine is cancelled counts as `disconnected`. Destroying it
/// closes it without waiting; not while a call is under way, and before its executor's context.
///
/// What libpq would block on while connecting (host names, passfile, service file, the password
/// file, the user's name) is done by a thread of its own for each connect, at most one at a time.
/// What stays on the loop are libpq's reads of TLS files (sslcert, sslkey, sslrootcert, sslcrl:
/// local files, once per connect) and, where a server demands it, GSSAPI authentication; GSSAPI
/// encryption is off unless the DSN says gssencmode=require.
class Connection {
 public:
  Connection(boost::asio::any_io_executor executor, Target target, Polling polling);
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) = delete;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// Connects if not connected: application_name=pghangd, search_path=pg_catalog,
  /// statement_timeout, lock_timeout (half of it) and idle_in_transaction_session_timeout set in
  /// the start-up packet, whatever the DSN says. Errors: disconnected (also: starting up,
  /// shutting down), permission_denied (authentication, no such role, no CONNECT privilege,
  /// password file not readable), refused (any other FATAL: no such database),
  /// too_many_connections (SQLSTATE 53300), connect_timeout, start_up_timeout, malformed (bad DSN
  /// or password file), not_found (no password file), io.
  [[nodiscard]] boost::asio::awaitable<Result<void>> open(Deadline deadline);

  /// Runs one statement in autocommit. Errors: timeout (also the server's own,
  /// SQLSTATE 57014; then the connection stays), disconnected, refused (any other ERROR of the
  /// server; context is its primary message), permission_denied (SQLSTATE 42501).
  [[nodiscard]] boost::asio::awaitable<Result<QueryResult>>
  query(std::string sql, std::vector<QueryParameter> parameters, Deadline deadline);

  /// The same for a statement that is asked again and again: the server parses it once per session,
  /// and plans it a few times. Parameters have the types that they have at the first call.
  [[nodiscard]] boost::asio::awaitable<Result<QueryResult>>
  query_prepared(std::string sql, std::vector<QueryParameter> parameters, Deadline deadline);

  [[nodiscard]] bool connected() const;
  [[nodiscard]] int server_version() const;  ///< server_version_num; 0 when not connected
  [[nodiscard]] pid_t backend_pid() const;   ///< our own backend; 0 when not connected
  /// The process that made the server's UNIX socket (its postmaster, or a pooler), as this host
  /// counts; that of the last connection, also of one that was never answered, when there is none
  /// now. 0 over TCP, and where that process is none of ours to see.
  [[nodiscard]] pid_t server_process() const;
  /// pg_control_system()'s, read by open(); empty where the role may not execute that. Read once
  /// per connection since the server reads it from disk, and within one it cannot change.
  [[nodiscard]] const std::string& system_identifier() const;
  /// The port of our side as the server sees it, inet_client_port(); 0 by a UNIX socket, or not
  /// known.
  [[nodiscard]] std::uint16_t client_port() const;
  /// backend_start of our own backend; absent when not known.
  [[nodiscard]] std::optional<PgTimestamp> backend_start() const;
  /// How many sessions were opened so far: tells whether what belonged to one is still there.
  [[nodiscard]] std::uint64_t sessions() const;
  void close();

 private:
  [[nodiscard]] boost::asio::awaitable<Result<void>> identify(Deadline deadline);
  [[nodiscard]] boost::asio::awaitable<Result<QueryResult>> answer(Deadline deadline);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The DSN with every secret removed, for logs and pages: `host=... dbname=... user=...`; only what
/// names the server is shown. `(unreadable dsn)` where libpq cannot parse it.
[[nodiscard]] std::string safe_dsn(const std::string& dsn);

/// The next wait before reconnecting: doubles from 250 ms to `cap`, times a factor in [0.5, 1]
/// taken from `random01`. `failures` is the number of them so far, 1 after the first.
[[nodiscard]] Duration reconnect_delay(unsigned failures, Duration cap, double random01);

}  // namespace pghang
