#include <string>

#include "collectors/postgres/lock_collector.h"

namespace pghang {
namespace {

// What identifies a lock (LOCKTAG, src/include/storage/lock.h). Which of these are NULL follows
// from the type, so that two locks never get the same text.
constexpr const char* kObject =
    "pg_catalog.concat_ws('/', locktype, database, relation, page, tuple, virtualxid,"
    " transactionid, classid, objid, objsubid)";

// pg_locks once. The window functions order each queue; the server is asked about the head of every
// queue before the second of any. One row at least, so that a server without waiters tells what the
// look cost. An oid of another database has no name that we could read.
constexpr const char* kWaitsHead = R"(WITH waiting AS (
  SELECT pid, locktype, mode, database, relation, waitstart, object,
         pid = ANY (pg_catalog.string_to_array($1, ',')::pg_catalog.int4[]) AS named,
         pg_catalog.row_number() OVER (PARTITION BY object ORDER BY waitstart, pid) AS place
    FROM (SELECT pid, locktype, mode, database, relation, )";
constexpr const char* kWaitsMiddle = R"( AS waitstart,
                 )";
constexpr const char* kWaitsTail = R"( AS object
            FROM pg_catalog.pg_locks
           WHERE NOT granted AND pid <> pg_catalog.pg_backend_pid()) AS locks
), ordered AS (
  SELECT waiting.*, pg_catalog.count(*) OVER () AS waiters,
         pg_catalog.row_number() OVER (ORDER BY named DESC, place, object) AS rank
    FROM waiting
), listed AS (
  SELECT * FROM ordered WHERE rank <= $3 ORDER BY rank
)
SELECT coalesce(l.waiters, 0), l.pid,
       CASE WHEN l.rank <= $2
            THEN pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(l.pid), ',') END,
       l.object, l.locktype, l.mode,
       CASE WHEN l.relation IS NULL THEN NULL
            WHEN l.database = 0 OR d.datname = pg_catalog.current_database()
            THEN l.relation::pg_catalog.regclass::pg_catalog.text
            ELSE l.relation::pg_catalog.text END,
       d.datname,
       (1000000 * extract(epoch FROM pg_catalog.clock_timestamp() - l.waitstart))
         ::pg_catalog.int8,
       (1000000 * extract(epoch FROM pg_catalog.clock_timestamp()
                                     - pg_catalog.statement_timestamp()))::pg_catalog.int8
  FROM (SELECT 1) AS one
  LEFT JOIN listed AS l ON true
  LEFT JOIN pg_catalog.pg_database AS d ON d.oid = l.database
 ORDER BY l.rank)";

// A prepared transaction's locks have no pid; its own transaction id is among them, under the same
// virtual transaction id as the others.
constexpr const char* kPreparedHead = R"(WITH held AS (
  SELECT locktype, transactionid, virtualtransaction, )";
constexpr const char* kPreparedTail = R"( AS object
    FROM pg_catalog.pg_locks
   WHERE granted AND pid IS NULL
)
SELECT DISTINCT p.prepared, p.gid, p.owner, p.database,
       (1000000 * extract(epoch FROM pg_catalog.statement_timestamp() - p.prepared))
         ::pg_catalog.int8,
       wanted.object
  FROM pg_catalog.pg_prepared_xacts AS p
  JOIN held AS own ON own.locktype = 'transactionid' AND own.transactionid = p.transaction
  JOIN held AS wanted ON wanted.virtualtransaction = own.virtualtransaction
 WHERE wanted.object = ANY (pg_catalog.string_to_array($1, pg_catalog.chr(10)))
 ORDER BY p.prepared, p.gid, wanted.object
 LIMIT $2)";

}  // namespace

std::string lock_waits_sql(int server_version_num) {
  const bool has_waitstart = server_version_num >= 140000;
  return std::string(kWaitsHead) + (has_waitstart ? "waitstart" : "NULL::pg_catalog.timestamptz") +
         kWaitsMiddle + kObject + kWaitsTail;
}

std::string prepared_transactions_sql() {
  return std::string(kPreparedHead) + kObject + kPreparedTail;
}

}  // namespace pghang
