#pragma once

#include <string>

#include "collectors/evidence/server_survey.h"
#include "tests/daemon/escalation/builders.h"

/// A server of the host, as a look at its processes shows it.
namespace pghang::escalation::testing {

inline constexpr ProcessKey kPostmaster{100, 1000};

inline SurveyedProcess process(pid_t pid) {
  SurveyedProcess process;
  process.process.key = {pid, 2000};
  process.process.ns_pid = pid;
  process.process.title = "postgres: app shop 10.0.0.1(4000) SELECT";
  process.process.sample.state = ProcessState::sleeping;
  process.process.sample.flags.proc_die_pending = 0;
  process.process.sample.flags.query_cancel_pending = 0;
  process.process.sample.flags.wait_event_info = 0;
  process.started_at_micros = kPgEpochUnixMicros + 10'000'000;
  return process;
}

/// The process of running(): every timestamp is what SQL said.
inline SurveyedProcess process_of_running(const Activity& activity) {
  SurveyedProcess found = process(activity.key.pid);
  found.stamps = SessionStamps{
      activity.key.backend_start,
      activity.xact_start,
      activity.query_start,
      activity.state_change};
  return found;
}

inline SurveyedProcess postmaster() {
  SurveyedProcess found = process(kPostmaster.pid);
  found.process.key = kPostmaster;
  found.process.title = "/usr/lib/postgresql/15/bin/postgres -D /data";
  return found;
}

inline ServerSurvey survey_of(std::vector<SurveyedProcess> processes) {
  ServerSurvey survey;
  survey.postmaster = kPostmaster;
  survey.postmaster_ns_pid = kPostmaster.pid;
  survey.server_version = "15.20";
  survey.processes = std::move(processes);
  survey.processes.push_back(postmaster());
  for (const SurveyedProcess& one : survey.processes)
    survey.alive.push_back(one.process.key);
  survey.all_alive_known = true;
  return survey;
}

}  // namespace pghang::escalation::testing
