#include "daemon/escalation/process_guard.h"

#include <csignal>
#include <cstdlib>
#include <string>

#include "diagnosis/wait_event_names.h"

namespace pghang::escalation {
namespace {

int major_of(const ServerSurvey& survey) {
  return std::atoi(survey.server_version.c_str());
}

/// A name and not a number stands behind the slash.
bool is_named(const std::string& wait_event) {
  const auto slash = wait_event.find('/');
  return slash != std::string::npos && slash + 1 < wait_event.size() &&
         (wait_event[slash + 1] < '0' || wait_event[slash + 1] > '9');
}

/// Whatever is not listed here may have ceased to hold since the last poll.
bool has_only_lasting_criteria(const Rule& rule) {
  Rule lasting;
  lasting.name = rule.name;
  lasting.for_ = rule.for_;
  lasting.action = rule.action;
  lasting.cancel_grace = rule.cancel_grace;
  lasting.terminate_grace = rule.terminate_grace;
  lasting.match.state = rule.match.state;
  lasting.match.backend_type = rule.match.backend_type;
  lasting.match.database = rule.match.database;
  lasting.match.user = rule.match.user;
  lasting.match.application_name = rule.match.application_name;
  lasting.match.query_age = rule.match.query_age;
  lasting.match.transaction_age = rule.match.transaction_age;
  lasting.match.state_age = rule.match.state_age;
  return lasting == rule;
}

}  // namespace

const SurveyedProcess* process_of(const BackendKey& backend, const ServerSurvey& survey) {
  for (const SurveyedProcess& candidate : survey.processes) {
    if (candidate.process.ns_pid != backend.pid || backend.pid == 0) continue;
    if (candidate.stamps) {
      if (candidate.stamps->backend_start == backend.backend_start) return &candidate;
      continue;
    }
    const std::int64_t apart = candidate.started_at_micros - unix_micros(backend.backend_start);
    if (std::llabs(apart) <= kSameStartMicros) return &candidate;
  }
  return nullptr;
}

bool is_unchanged(const Activity& last_polled, const SurveyedProcess& process) {
  const auto& stamps = process.stamps;
  return stamps && stamps->backend_start == last_polled.key.backend_start &&
         stamps->xact_start == last_polled.xact_start &&
         stamps->query_start == last_polled.query_start &&
         stamps->state_change == last_polled.state_change;
}

const char* hindrance(
    const SightingState& sighting,
    const Rule& rule,
    const SurveyedProcess& process,
    const ServerSurvey& survey,
    bool may_signal
) {
  if (!may_signal) return kWithoutSql;
  if (sighting.stage == Stage::matched && !has_only_lasting_criteria(rule))
    return kUndecidedWithoutSql;
  const auto wait_event = process.process.sample.flags.wait_event_info;
  if (!wait_event) return kUndecidedWithoutSql;
  if (*wait_event == 0) return nullptr;
  const std::string name = wait_event_name(*wait_event, major_of(survey));
  if (name == "IPC/SyncRep") return to_string(Exemption::sync_rep);
  // Numbers of the class IPC differ by release: one without a name may be it.
  return name.starts_with("IPC/") && !is_named(name) ? kUndecidedWithoutSql : nullptr;
}

std::optional<ProcessSeen> see_process(
    const SightingState& sighting,
    const Rule& rule,
    const ServerSurvey& survey,
    bool may_signal
) {
  const SurveyedProcess* process = process_of(sighting.activity.key, survey);
  if (process == nullptr) {
    const bool all_listed = survey.processes.size() == survey.alive.size();
    if (!survey.all_alive_known || !all_listed) return std::nullopt;
    return ProcessSeen{.present = false};
  }
  ProcessSeen seen;
  seen.same_statement = is_unchanged(sighting.activity, *process);
  const Sample& sample = process->process.sample;
  seen.terminate_pending =
      sample.flags.proc_die_pending.value_or(0) != 0 || is_pending(sample.signals, SIGTERM);
  if (const char* reason = hindrance(sighting, rule, *process, survey, may_signal))
    seen.hindrance = reason;
  return seen;
}

}  // namespace pghang::escalation
