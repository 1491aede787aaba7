#include <string>

#include "collectors/postgres/activity_collector.h"

namespace pghang {
namespace {

/// A column of pg_stat_get_activity() that the rows are made of.
struct Column {
  const char* name;
  const char* type;
  int since;  ///< server_version_num; before, NULL stands for it
};

constexpr Column kColumns[] = {
    {"pid", "int4", 0},
    {"backend_start", "timestamptz", 0},
    {"backend_type", "text", 0},
    {"datid", "oid", 0},
    {"usesysid", "oid", 0},
    {"application_name", "text", 0},
    {"client_addr", "inet", 0},
    {"state", "text", 0},
    {"wait_event_type", "text", 0},
    {"wait_event", "text", 0},
    {"leader_pid", "int4", 130000},
    {"xact_start", "timestamptz", 0},
    {"query_start", "timestamptz", 0},
    {"state_change", "timestamptz", 0},
    {"query", "text", 0},
    {"client_port", "int4", 0},
    {"backend_xmin", "xid", 0},
    {"query_id", "int8", 140000},
};

// Not the view pg_stat_activity: it looks up database and role of each session, also of those that
// are only counted. And one pass over the function's rows, since going over a thousand twice (they
// are a WITH query then, and copied) costs as much as all that comes after: each state is counted,
// and keeps the rows to send as an array.
constexpr const char* kServerAndCount = R"(WITH server AS (
  SELECT pg_catalog.clock_timestamp() AS taken_at,
         pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) AS version,
         pg_catalog.pg_is_in_recovery() AS in_recovery,
         CASE WHEN pg_catalog.pg_is_in_recovery()
              THEN (SELECT received_tli FROM pg_catalog.pg_stat_get_wal_receiver())
              ELSE ('x' || pg_catalog.substr(
                pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)
              )::pg_catalog."bit"::pg_catalog.int4 END AS timeline
), grouped AS (
  SELECT s.state, pg_catalog.count(*) AS sessions, pg_catalog.array_agg(ROW()";

constexpr const char* kFilter = R"()) FILTER (
           WHERE CASE WHEN s.state IS NULL THEN $2 WHEN s.state = 'idle' THEN $1 ELSE true END
         ) AS kept
    FROM pg_catalog.pg_stat_get_activity(NULL) AS s
   WHERE s.pid <> pg_catalog.pg_backend_pid()
   GROUP BY s.state
), counts AS (
  SELECT pg_catalog.string_agg(pg_catalog.concat(state, '=', sessions), ',') AS by_state
    FROM grouped
), wanted AS (
  SELECT session.*
    FROM grouped CROSS JOIN LATERAL pg_catalog.unnest(grouped.kept) AS session ()";

// One row at least, so that a server without anything to see still tells its counts and itself.
//
// The text of a query is cut as bytes: left() fails on what is not valid in our own database's
// encoding ("invalid byte sequence", 15.20), so one session with an é in a LATIN1 database would
// end the whole poll. textsend() is what a binary text result goes through anyway.
constexpr const char* kRows = R"()
)
SELECT server.taken_at, server.version, server.in_recovery, server.timeline, counts.by_state,
       w.pid, w.backend_start, w.backend_type, database.datname, role.rolname, w.application_name,
       pg_catalog.host(w.client_addr), w.state, w.wait_event_type, w.wait_event, w.leader_pid,
       w.xact_start, w.query_start, w.state_change,
       pg_catalog.substring(pg_catalog.textsend(w.query), 1, $3), role.rolsuper,
       w.client_port, pg_catalog.age(w.backend_xmin), w.query_id
  FROM server CROSS JOIN counts LEFT JOIN wanted AS w ON true
  LEFT JOIN pg_catalog.pg_database AS database ON database.oid = w.datid
  LEFT JOIN pg_catalog.pg_roles AS role ON role.oid = w.usesysid)";

}  // namespace

std::string activity_sql(int server_version_num) {
  std::string values;
  std::string definitions;
  for (const Column& column : kColumns) {
    const bool exists = server_version_num >= column.since;
    const char* separator = values.empty() ? "" : ", ";
    const std::string type = std::string("pg_catalog.") + column.type;
    values += separator + (exists ? std::string("s.") + column.name : "NULL::" + type);
    definitions += std::string(separator) + column.name + ' ' + type;
  }
  return kServerAndCount + values + kFilter + definitions + kRows;
}

}  // namespace pghang
