#include <algorithm>
#include <map>
#include <utility>

#include "daemon/chronicle/chronicle.h"
#include "daemon/service/logger.h"
#include "diagnosis/wait_graph.h"

namespace pghang {
namespace {

/// The session at an incident's pid is another one by now.
bool replaced(const Incident& incident, const std::map<pid_t, PgTimestamp>& starts) {
  const auto found = starts.find(incident.backend.pid);
  return found != starts.end() && found->second != incident.backend.backend_start;
}

}  // namespace

void Chronicle::locks_asked(const std::string& target, const Result<LockSnapshot>& result) {
  metrics_.lock_statement(target, result ? "success" : to_string(result.error().code));
  const std::string error =
      result ? "" : std::string(to_string(result.error().code)) + ": " + result.error().context;
  std::string& told = lock_errors_[target];
  if (!error.empty() && told != error) {
    log_.warn(
        "lock_statement_failed",
        {{"target", target},
         {"error", error},
         {"consequence", "wait graphs lack the server's locks until it succeeds"}}
    );
  }
  told = error;
}

void Chronicle::locks_backed_off(const std::string& target) {
  metrics_.lock_statement(target, "backed_off");
}

void Chronicle::waits(
    const std::string& target,
    const std::vector<Activity>& sessions,
    const std::optional<LockSnapshot>& locks
) {
  std::map<pid_t, PgTimestamp> starts;
  for (const Activity& session : sessions)
    starts.emplace(session.key.pid, session.key.backend_start);

  WaitInputs inputs;
  inputs.sessions = sessions;
  inputs.locks = locks;
  std::vector<Incident*> open;
  std::vector<pid_t> pids;
  for (Incident& incident : view_.incidents) {
    if (incident.target != target || incident.stage == Stage::resolved) continue;
    if (replaced(incident, starts)) continue;
    open.push_back(&incident);
    pids.push_back(incident.backend.pid);
    if (incident.stage == Stage::unresponsive) inputs.unresponsive.insert(incident.backend.pid);
    if (incident.evidence && incident.verdict)
      inputs.captured.push_back({&*incident.evidence, &*incident.verdict});
  }
  std::ranges::sort(inputs.captured, {}, [](const CapturedBackend& one) {
    return one.evidence->capture.key.pid;
  });

  const WaitGraph graph = wait_graph(inputs);
  const auto parts = waits_of_each(graph, pids);
  for (Incident* incident : open) {
    const auto part = parts.find(incident->backend.pid);
    incident->wait_graph = part == parts.end() ? nullptr : part->second;
  }
  TargetView& view = view_of(target);
  view.blocked_backends.reset();
  if (locks) view.blocked_backends = blocked_backends(graph);
}

void Chronicle::nobody_waits(const std::string& target) {
  view_of(target).blocked_backends = 0;
}

}  // namespace pghang
