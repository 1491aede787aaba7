#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/capture.h"
#include "collectors/evidence/cluster.h"
#include "collectors/evidence/identity.h"

namespace pghang {

/// A session's timestamps as its entry in PostgreSQL's shared memory holds them: the very numbers
/// that pg_stat_activity shows. Absent means NULL there.
struct SessionStamps {
  PgTimestamp backend_start;
  std::optional<PgTimestamp> xact_start;
  std::optional<PgTimestamp> query_start;
  std::optional<PgTimestamp> state_change;

  friend bool operator==(const SessionStamps&, const SessionStamps&) = default;
};

/// One process of a server.
struct SurveyedProcess {
  ClusterProcess process;               ///< without its system call
  std::int64_t started_at_micros = 0;   ///< unix epoch, within 1 s (btime has that resolution)
  std::optional<SessionStamps> stamps;  ///< absent where they could not be read, all of one moment

  friend bool operator==(const SurveyedProcess&, const SurveyedProcess&) = default;
};

/// All processes of one server, as /proc and their memory tell: no connection is needed for it.
/// Wire format between helper and daemon.
struct ServerSurvey {
  ProcessKey postmaster;
  pid_t postmaster_ns_pid = 0;       ///< in the server's pid namespace
  bool postmaster_gone = false;      ///< then `processes` are those it left behind
  std::int64_t taken_at_micros = 0;  ///< unix epoch
  std::string server_version;        ///< as the executable says; may be empty
  /// The postmaster included. Bounded: those that are not simply idle first.
  std::vector<SurveyedProcess> processes;
  std::vector<ProcessKey> alive;  ///< every process of the server, also those not in `processes`
  bool all_alive_known = false;   ///< a process that is not in `alive` has ended
  std::vector<Missing> missing;

  friend bool operator==(const ServerSurvey&, const ServerSurvey&) = default;
};

}  // namespace pghang
