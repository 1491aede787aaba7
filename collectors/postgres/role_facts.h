#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "collectors/evidence/identity.h"
#include "collectors/postgres/connection.h"

namespace pghang {

/// What the server says of the role that is connected, and of this connection.
struct RoleFacts {
  std::string server_version;  ///< `15.20 (Debian ...)`
  std::string role;
  bool superuser = false;
  bool reads_all_stats = false;        ///< has the privileges of pg_read_all_stats (pg_monitor has)
  bool signals = false;                ///< has those of pg_signal_backend
  std::int64_t connection_limit = -1;  ///< rolconnlimit; -1: none
  std::vector<std::string> settings;   ///< ALTER ROLE ... SET, each `name=value`
  pid_t backend_pid = 0;               ///< pg_backend_pid(); behind a pooler not libpq's
  PgTimestamp backend_start{};
  PgTimestamp clock{};         ///< the server's, while it answered
  bool uses_reserved = false;  ///< has the privileges of pg_use_reserved_connections (16)
  std::int64_t reserved_connections = 0;  ///< the server's setting of that name; 0 before 16

  friend bool operator==(const RoleFacts&, const RoleFacts&) = default;
};

/// One statement on an open connection. Errors: those of Connection::query(), malformed.
[[nodiscard]] boost::asio::awaitable<Result<RoleFacts>>
collect_role_facts(Connection& connection, Deadline deadline);

/// The major release of the libpq that is loaded: 15.
[[nodiscard]] int libpq_release();

}  // namespace pghang
