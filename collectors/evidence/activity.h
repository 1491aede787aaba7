#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/identity.h"

namespace pghang {

using Micros = std::chrono::microseconds;

/// One row of pg_stat_activity. Absent means NULL there. Ages are by the server's clock, at the
/// clock_timestamp() of the poll.
struct Activity {
  BackendKey key;
  std::string backend_type;  ///< `client backend`, `parallel worker`, ...
  std::optional<std::string> database;
  std::optional<std::string> user;
  std::optional<std::string> application_name;
  std::optional<std::string> client_address;
  std::optional<std::string> state;  ///< `active`, `idle in transaction`, ...
  std::optional<std::string> wait_event_type;
  std::optional<std::string> wait_event;
  std::optional<pid_t> leader_pid;  ///< 13 and later
  std::optional<PgTimestamp> xact_start;
  std::optional<PgTimestamp> query_start;
  std::optional<PgTimestamp> state_change;
  std::optional<Micros> xact_age;
  std::optional<Micros> query_age;
  std::optional<Micros> state_age;
  std::string query;  ///< as the server shows it, cut to the configured length; masked before shown
  bool superuser = false;                ///< the session's role, pg_roles.rolsuper
  bool local_client = false;             ///< its client came by a UNIX socket (client_port is -1)
  std::optional<std::int64_t> query_id;  ///< 14 and later, where compute_query_id is on
  std::optional<std::int64_t> xmin_age;  ///< age(backend_xmin), in transactions

  friend bool operator==(const Activity&, const Activity&) = default;
};

/// What a server says of itself with each poll.
struct ServerInfo {
  int version_num = 0;            ///< server_version_num, e.g. 150020
  std::string version;            ///< `15.20`
  std::string system_identifier;  ///< pg_control_system(); empty if not readable
  bool in_recovery = false;
  /// Of the WAL it writes; of a standby, that of the WAL it receives. 0: not known (a standby that
  /// receives none).
  std::int64_t timeline = 0;

  friend bool operator==(const ServerInfo&, const ServerInfo&) = default;
};

/// Sessions by state, idle ones included; `state` is empty for backends that report none.
struct StateCount {
  std::string state;
  std::int64_t sessions = 0;

  friend bool operator==(const StateCount&, const StateCount&) = default;
};

/// One poll. Idle sessions are only in `counts`, unless a rule asks for them.
struct ActivitySnapshot {
  ServerInfo server;
  PgTimestamp taken_at;  ///< the server's clock_timestamp() in that statement
  std::vector<Activity> rows;
  std::vector<StateCount> counts;

  friend bool operator==(const ActivitySnapshot&, const ActivitySnapshot&) = default;
};

}  // namespace pghang
