#include "collectors/postgres/role_facts.h"

#include <algorithm>
#include <string_view>

#include <libpq-fe.h>

namespace pghang {
namespace {

enum Column : int {
  server_version,
  role,
  superuser,
  reads_all_stats,
  signals,
  connection_limit,
  settings,
  backend_pid,
  backend_start,
  clock,
  uses_reserved,
  reserved_connections,
};

constexpr const char* kSql = R"(
SELECT pg_catalog.current_setting('server_version')::text,
       r.rolname::text,
       r.rolsuper,
       pg_catalog.pg_has_role(r.oid, 'pg_read_all_stats', 'USAGE'),
       pg_catalog.pg_has_role(r.oid, 'pg_signal_backend', 'USAGE'),
       r.rolconnlimit,
       pg_catalog.array_to_string(r.rolconfig, pg_catalog.chr(10)),
       pg_catalog.pg_backend_pid(),
       (SELECT a.backend_start FROM pg_catalog.pg_stat_activity a
         WHERE a.pid = pg_catalog.pg_backend_pid()),
       pg_catalog.clock_timestamp(),
       EXISTS (SELECT FROM pg_catalog.pg_roles p
                WHERE p.rolname = 'pg_use_reserved_connections'
                  AND pg_catalog.pg_has_role(r.oid, p.oid, 'USAGE')),
       COALESCE(pg_catalog.current_setting('reserved_connections', true), '0')::int4
  FROM pg_catalog.pg_roles r
 WHERE r.rolname = current_user)";

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

boost::asio::awaitable<Result<RoleFacts>>
collect_role_facts(Connection& connection, Deadline deadline) {
  const Result<QueryResult> result = co_await connection.query(kSql, {}, deadline);
  if (!result) co_return result.error();
  if (result->rows() != 1) co_return Error{Errc::malformed, "the role is not in pg_roles"};
  RoleFacts facts;
  facts.server_version = result->text(0, server_version).value_or("");
  facts.role = result->text(0, role).value_or("");
  facts.superuser = result->boolean(0, superuser).value_or(false);
  facts.reads_all_stats = result->boolean(0, reads_all_stats).value_or(false);
  facts.signals = result->boolean(0, signals).value_or(false);
  facts.connection_limit = result->integer(0, connection_limit).value_or(-1);
  facts.settings = lines_of(result->text(0, settings).value_or(""));
  facts.backend_pid = static_cast<pid_t>(result->integer(0, backend_pid).value_or(0));
  facts.backend_start = result->timestamp(0, backend_start).value_or(PgTimestamp{});
  facts.clock = result->timestamp(0, clock).value_or(PgTimestamp{});
  facts.uses_reserved = result->boolean(0, uses_reserved).value_or(false);
  facts.reserved_connections = result->integer(0, reserved_connections).value_or(0);
  co_return facts;
}

int libpq_release() {
  return PQlibVersion() / 10000;
}

}  // namespace pghang
