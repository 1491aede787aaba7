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
  std::optional<std::size_t> blocked_backends;  ///< absent: not known
  std::string mode;                             ///< `observe` or `enforce`
  std::optional<bool> local;  ///< its processes are of this host; absent: not known yet
  std::string not_local;      ///< why they are not
};

struct View {
  std::string version;
  std::string mode;  ///< `observe` or `enforce`
  std::int64_t started_at_micros = 0;
  bool ready = false;  ///< the first poll of every target was tried
  bool config_last_reload_successful = true;
  std::vector<TargetView> targets;
  std::deque<Incident> incidents;  ///< newest first, open ones included
};

/// Microseconds since the unix epoch, for whoever is not given the time.
[[nodiscard]] inline std::int64_t wall_clock_micros() {
  using std::chrono::microseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<microseconds>(now).count();
}

}  // namespace pghang
