#include <string>

#include "collectors/postgres/activity_collector.h"

namespace pghang {
namespace {

// One row at least, so that a server without anything to see still tells its counts and itself.
//
// The text of a query is cut as bytes: left() fails on what is not valid in our own database's
// encoding ("invalid byte sequence", 15.20), so one session with an é in a LATIN1 database would
// end the whole poll. textsend() is what a binary text result goes through anyway.
constexpr const char* kHead = R"(WITH server AS (
  SELECT pg_catalog.clock_timestamp() AS taken_at,
         pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) AS version,
         pg_catalog.pg_is_in_recovery() AS in_recovery,
         CASE WHEN pg_catalog.pg_is_in_recovery()
              THEN (SELECT received_tli FROM pg_catalog.pg_stat_get_wal_receiver())
              ELSE ('x' || pg_catalog.substr(
                pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)
              )::pg_catalog."bit"::pg_catalog.int4 END AS timeline
), session AS (
  SELECT *
    FROM pg_catalog.pg_stat_activity
   WHERE pid <> pg_catalog.pg_backend_pid()
), counts AS (
  SELECT pg_catalog.string_agg(pg_catalog.concat(state, '=', sessions), ',') AS by_state
    FROM (SELECT state, pg_catalog.count(*) AS sessions FROM session GROUP BY state) AS grouped
), wanted AS (
  SELECT session.*, role.rolsuper
    FROM session
    LEFT JOIN pg_catalog.pg_roles AS role ON role.oid = session.usesysid
   WHERE CASE WHEN session.state IS NULL THEN $2 WHEN session.state = 'idle' THEN $1 ELSE true END
)
SELECT server.taken_at, server.version, server.in_recovery, server.timeline, counts.by_state,
       w.pid, w.backend_start, w.backend_type, w.datname, w.usename, w.application_name,
       pg_catalog.host(w.client_addr), w.state, w.wait_event_type, w.wait_event,
       )";

constexpr const char* kTail = R"(,
       w.xact_start, w.query_start, w.state_change,
       (1000000 * extract(epoch FROM server.taken_at - w.xact_start))::pg_catalog.int8,
       (1000000 * extract(epoch FROM server.taken_at - w.query_start))::pg_catalog.int8,
       (1000000 * extract(epoch FROM server.taken_at - w.state_change))::pg_catalog.int8,
       pg_catalog.substring(pg_catalog.textsend(w.query), 1, $3), w.rolsuper,
       w.client_port, pg_catalog.age(w.backend_xmin), )";

constexpr const char* kEnd = R"(
  FROM server CROSS JOIN counts LEFT JOIN wanted AS w ON true)";

}  // namespace

std::string activity_sql(int server_version_num) {
  const bool has_leader_pid = server_version_num >= 130000;
  const bool has_query_id = server_version_num >= 140000;
  return std::string(kHead) + (has_leader_pid ? "w.leader_pid" : "NULL::pg_catalog.int4") + kTail +
         (has_query_id ? "w.query_id" : "NULL::pg_catalog.int8") + kEnd;
}

}  // namespace pghang
