#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/activity.h"
#include "diagnosis/incident.h"

/// What is published: a model that the daemon keeps current and the exporters only read. Loop
/// thread only.
namespace pghang {

/// One backend that a rule watches or has matched now.
struct BackendView {
  Activity activity;  ///< query already masked
  std::string rule;
  Stage stage = Stage::watching;
  double matched_seconds = 0;  ///< since the rule's criteria first held
  std::string exemption;       ///< reason that it is never signalled; empty when it may be
  std::string incident_id;     ///< empty while watching
  Source source = Source::sql;
  std::string protected_by;  ///< name of the `protect` entry, where the exemption is `protected`
  std::string suppressed;    ///< why a signal that is due is not sent; empty: none is due
  std::string
      refused;  ///< `cancel: must be ...`: the latest signal was refused, in the server's words
};

/// One process of a server, as a look without SQL shows it.
struct ServerProcessView {
  pid_t pid = 0;       ///< as the server counts
  pid_t host_pid = 0;  ///< as this host does
  std::string title;
  ProcessState state = ProcessState::unknown;
  bool frozen = false;
  std::optional<bool> cancel_pending;     ///< absent where its memory could not be read
  std::optional<bool> terminate_pending;  ///< the same
  std::string wait_event;                 ///< `IPC/BtreePage`; empty for none or not known
  std::int64_t started_at_micros = 0;     ///< unix epoch
};

/// What /proc tells of a server that SQL does not reach.
struct ServerProcessesView {
  std::int64_t taken_at_micros = 0;  ///< unix epoch
  std::string summary;               ///< `postmaster 4711 is stopped`; or why nothing can be told
  pid_t postmaster_host_pid = 0;     ///< 0: not known
  std::vector<ServerProcessView> processes;
};

/// One rule's breaker.
struct BreakerView {
  std::string rule;
  bool open = false;
  std::size_t matches = 0;  ///< backends that the rule would act on, as of the latest poll
};

/// Whether somebody has stopped all signals.
struct PauseView {
  bool paused = false;
  std::int64_t since_micros = 0;             ///< unix epoch, as `until_micros`
  std::optional<std::int64_t> until_micros;  ///< absent: until somebody resumes
  std::string by;
  std::string reason;
  std::string problem;  ///< why a restart would undo what was asked last; empty: it would not
};

struct TargetView {
  std::string name;
  std::string dsn;  ///< without secrets
  bool up = false;
  std::string error;  ///< why it is not up
  std::optional<ServerInfo> server;
  std::int64_t last_poll_micros = 0;  ///< unix epoch; 0: never
  std::vector<StateCount> counts;
  std::vector<BackendView> backends;
  std::optional<std::size_t> blocked_backends;   ///< absent: not known
  std::optional<ServerProcessesView> processes;  ///< only while it is not up
  std::string mode;                              ///< `observe` or `enforce`
  std::optional<bool> local;          ///< its processes are of this host; absent: not known yet
  std::string not_local;              ///< why they are not
  std::vector<BreakerView> breakers;  ///< of rules that may signal
  bool enforcing = false;             ///< signals may be sent by this daemon
  std::string other_daemon;           ///< whom this one leaves it to; empty: nobody
};

/// Why it is not up, with what its processes tell of it. Empty when it is up.
[[nodiscard]] inline std::string error_text(const TargetView& target) {
  if (target.error.empty() || !target.processes || target.processes->summary.empty())
    return target.error;
  return target.error + "; " + target.processes->summary;
}

/// The web configuration (config/web_config.h), where there is one.
struct WebConfigView {
  std::string problem;  ///< why the file as it is now is not in use; empty: it is
  std::optional<std::int64_t> certificate_expires_at;  ///< unix seconds; absent without TLS
};

struct View {
  std::string version;
  std::string mode;  ///< `observe` or `enforce`
  std::int64_t started_at_micros = 0;
  bool ready = false;  ///< the first poll of every target was tried
  bool config_last_reload_successful = true;
  std::vector<TargetView> targets;
  std::deque<Incident> incidents;  ///< newest first, open ones included
  std::string external_url;        ///< external_url(); empty until it is known
  PauseView pause;
  std::string revision;  ///< the git commit of the source; empty: not known
  std::optional<WebConfigView> web_config;
};

/// Microseconds since the unix epoch, for whoever is not given the time.
[[nodiscard]] inline std::int64_t wall_clock_micros() {
  using std::chrono::microseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<microseconds>(now).count();
}

}  // namespace pghang
