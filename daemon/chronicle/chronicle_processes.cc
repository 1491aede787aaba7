#include <algorithm>
#include <chrono>
#include <utility>

#include "daemon/chronicle/chronicle.h"
#include "daemon/service/logger.h"
#include "diagnosis/process_activity.h"
#include "diagnosis/query_text.h"

namespace pghang {
namespace {

std::string number_of(std::size_t processes) {
  return processes == 1 ? "1 process" : std::to_string(processes) + " processes";
}

/// How the postmaster stands, where it is no healthy one.
std::string trouble(const SurveyedProcess& postmaster) {
  const Sample& sample = postmaster.process.sample;
  if (sample.frozen) return "is in a frozen cgroup";
  switch (sample.state) {
    case ProcessState::stopped: return "is stopped (SIGSTOP): nobody can connect";
    case ProcessState::traced: return "is held by a debugger: nobody can connect";
    case ProcessState::uninterruptible:
      return "is in uninterruptible sleep" +
             (postmaster.process.wchan.empty() ? "" : " (" + postmaster.process.wchan + ")");
    default: return "";
  }
}

std::string summary_of(const ServerSurvey& survey) {
  const std::string name = "postmaster " + std::to_string(survey.postmaster.pid);
  if (survey.postmaster_gone) {
    const std::size_t left = survey.processes.size();
    if (left == 0) return name + " is gone, and so are its processes";
    return name + " is gone; " + number_of(left) + " of it " + (left == 1 ? "goes" : "go") +
           " on, so no server can start on its data directory";
  }
  const auto found = std::ranges::find_if(survey.processes, [&](const SurveyedProcess& process) {
    return process.process.key == survey.postmaster;
  });
  const std::string state = found == survey.processes.end() ? "" : trouble(*found);
  if (!state.empty()) return name + ' ' + state;
  return name + " runs, with " + number_of(survey.alive.empty() ? 0 : survey.alive.size() - 1);
}

ServerProcessView view_of(const SurveyedProcess& surveyed, const std::string& server_version) {
  const ClusterProcess& process = surveyed.process;
  const InterruptFlags& flags = process.sample.flags;
  ServerProcessView view;
  view.pid = process.ns_pid;
  view.host_pid = process.key.pid;
  view.title = process.title;
  view.state = process.sample.state;
  view.frozen = process.sample.frozen;
  if (flags.query_cancel_pending) view.cancel_pending = *flags.query_cancel_pending != 0;
  if (flags.proc_die_pending) view.terminate_pending = *flags.proc_die_pending != 0;
  view.wait_event = wait_event_of(surveyed, server_version);
  view.started_at_micros = surveyed.started_at_micros;
  return view;
}

}  // namespace

void Chronicle::surveyed(
    const std::string& target,
    const Result<ServerSurvey>& result,
    bool sql_works
) {
  metrics_.survey(target, result ? "success" : to_string(result.error().code));
  TargetView& view = view_of(target);
  std::string& told = process_words_[target];
  if (sql_works) {
    view.processes.reset();
    told.clear();
    return;
  }
  ServerProcessesView& processes = view.processes.emplace();
  processes.taken_at_micros = wall_clock_();
  if (result) {
    processes.summary = summary_of(*result);
    processes.postmaster_host_pid = result->postmaster.pid;
    for (const SurveyedProcess& process : result->processes)
      processes.processes.push_back(pghang::view_of(process, result->server_version));
  } else {
    processes.summary = "its processes are not known: " + result.error().context;
  }
  if (std::exchange(told, processes.summary) != processes.summary) {
    log_.warn(
        "server_processes",
        {{"target", target}, {"source", to_string(Source::os)}, {"summary", processes.summary}}
    );
  }
}

void Chronicle::suspects(
    const std::string& target,
    const escalation::ProcessWatch& watch,
    escalation::TimePoint now
) {
  TargetView& view = view_of(target);
  std::erase_if(view.backends, [](const BackendView& backend) {
    return backend.source == Source::os;
  });
  for (const escalation::SightingState* sighting : watch.sightings()) {
    BackendView& backend = view.backends.emplace_back();
    backend.activity = sighting->activity;
    backend.rule = sighting->rule_name;
    backend.stage = sighting->stage;
    backend.matched_seconds = std::chrono::duration<double>(now - sighting->first_seen).count();
    backend.source = Source::os;
    if (const Incident* incident = book_.find(target, sighting->id))
      backend.incident_id = incident->id;
  }
}

}  // namespace pghang
