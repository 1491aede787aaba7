#include "daemon/commands/plan.h"

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

#include "config/units.h"
#include "daemon/chronicle/chronicle.h"
#include "daemon/escalation/exemption.h"
#include "daemon/escalation/victims.h"
#include "diagnosis/query_text.h"

namespace pghang {
namespace {

using escalation::RowJudgement;
using escalation::RuleMatcher;

constexpr std::size_t kQueryColumns = 100;

bool captures(const Rule& rule, CaptureMoment moment) {
  for (const CaptureMoment each : rule.capture)
    if (each == moment) return true;
  return false;
}

/// The first signal; empty where there is none.
std::string first_signal(const Activity& activity, const Rule& rule) {
  const bool idle = activity.state.value_or("").starts_with("idle");
  if (rule.action == RuleAction::observe) return "";
  if (rule.action == RuleAction::terminate) return idle ? "terminate" : "cancel";
  return idle ? "" : "cancel";
}

/// What the first signal would be and what follows it.
std::string steps(const Rule& rule, const std::string& signal) {
  if (rule.action == RuleAction::observe) return "observe: no signal";
  if (signal.empty()) return "no signal: a cancel does nothing to an idle session";
  std::string text;
  const bool before_terminate = captures(rule, CaptureMoment::before_terminate);
  const std::string terminate =
      "terminate, unresponsive after " + format_duration(rule.terminate_grace);
  if (captures(rule, CaptureMoment::before_cancel) || (before_terminate && signal == "terminate")) {
    text = "capture, then ";
  }
  if (signal == "terminate")
    return text + terminate + " (a cancel does nothing to an idle session)";
  if (rule.action == RuleAction::cancel)
    return text + "cancel, unresponsive after " + format_duration(rule.cancel_grace);
  return text + "cancel, after " + format_duration(rule.cancel_grace) + " " +
         (before_terminate ? "capture, then " : "") + terminate;
}

std::string describe(const Activity& activity) {
  std::string line = "pid " + std::to_string(activity.key.pid) + "  " + activity.backend_type;
  const auto add = [&line](const char* label, const std::optional<std::string>& value) {
    if (value && !value->empty()) line += std::string("  ") + label + *value;
  };
  add("db=", activity.database);
  add("user=", activity.user);
  add("app=", activity.application_name);
  add("client=", activity.local_client ? "local" : activity.client_address);
  add("state=", activity.state);
  if (activity.wait_event) {
    line += "  wait=" + activity.wait_event_type.value_or("") + ":" + *activity.wait_event;
  }
  if (activity.query_age) {
    line += "  query " + format_seconds(std::chrono::duration<double>(*activity.query_age).count());
  }
  return line;
}

PlannedBackend planned(
    const Activity& row,
    const RowJudgement& judged,
    const RuleMatcher& rules,
    const escalation::Circumstances& around,
    const escalation::ProtectList& protect
) {
  PlannedBackend backend;
  backend.activity = row;
  backend.activity.query = mask_query(row.query);
  if (!judged.rule) {
    for (std::size_t i = 0; i < rules.rules().size(); ++i) {
      backend.mismatches.push_back(
          {rules.rules()[i].name, rules.first_mismatch(i, row, around).value_or("")}
      );
    }
    return backend;
  }
  const Rule& rule = rules.rules()[*judged.rule];
  backend.rule = rule.name;
  if (judged.spared_for) {
    backend.spared_for = judged.spared_for->pid;
  } else if (const auto spared = escalation::protection_of(row, rule, protect)) {
    backend.exemption = to_string(spared->exemption);
    backend.protected_by = spared->entry;
  } else {
    backend.signal = first_signal(row, rule);
    backend.steps = steps(rule, backend.signal);
    if (rule.for_.count() > 0)
      backend.steps += ", once it matched for " + format_duration(rule.for_);
  }
  return backend;
}

std::string decision(const PlannedBackend& backend, const std::string& mode) {
  if (backend.rule.empty()) {
    std::string text;
    for (const RuleMismatch& mismatch : backend.mismatches)
      text += "    not " + mismatch.rule + ": " + mismatch.criterion + "\n";
    return text.empty() ? "    no rule is configured\n" : text;
  }
  std::string text = "    rule " + backend.rule + ": ";
  if (backend.spared_for != 0) {
    return text + "spared: of its group pid " + std::to_string(backend.spared_for) +
           " is the victim\n";
  }
  if (!backend.exemption.empty()) {
    text += "exempt (" + backend.exemption;
    if (!backend.protected_by.empty()) text += " by " + backend.protected_by;
    return text + "): no signal\n";
  }
  text += backend.steps;
  if (mode == "observe") text += " [mode observe: nothing is sent]";
  text += "\n";
  if (!backend.refused.empty()) text += "    refused before: " + backend.refused + "\n";
  return text;
}

}  // namespace

PlanView make_plan(
    const std::string& target,
    const ActivitySnapshot& snapshot,
    const escalation::RuleMatcher& rules,
    Mode mode,
    const escalation::FactTable& facts,
    const escalation::ProtectList& protect
) {
  PlanView plan;
  plan.target = target;
  plan.server = snapshot.server;
  plan.mode = to_string(mode);
  const std::vector<RowJudgement> judged =
      judge_rows(rules, snapshot, facts, [&](const Activity& row, const Rule& rule) {
        return escalation::protection_of(row, rule, protect).has_value();
      });
  for (std::size_t i = 0; i < judged.size(); ++i) {
    const Activity& row = snapshot.rows[i];
    const auto around = escalation::circumstances_of(row, snapshot, facts);
    plan.backends.push_back(planned(row, judged[i], rules, around, protect));
  }
  return plan;
}

void tell_refusals(PlanView& plan, const std::vector<SignalRecord>& signals) {
  for (PlannedBackend& backend : plan.backends) {
    for (const SignalRecord& signal : signals) {
      if (signal.target != plan.target || signal.backend != backend.activity.key) continue;
      if (signal.answer == "accepted") backend.refused.clear();
      if (signal.answer == "refused") backend.refused = signal.signal + ": " + signal.words;
    }
  }
}

std::string render_plan(const PlanView& plan) {
  std::string out = "target " + plan.target + ": PostgreSQL " + plan.server.version +
                    (plan.server.in_recovery ? ", in recovery" : "") + ", mode " + plan.mode + "\n";
  std::size_t matched = 0;
  for (const PlannedBackend& backend : plan.backends) {
    if (!backend.rule.empty()) ++matched;
    out += "  " + describe(backend.activity) + "\n";
    std::string query = backend.activity.query;
    if (query.size() > kQueryColumns) query = query.substr(0, kQueryColumns) + "...";
    if (!query.empty()) out += "    query " + query + "\n";
    out += decision(backend, plan.mode);
  }
  out += "  " + std::to_string(matched) + " of " + std::to_string(plan.backends.size()) +
         " backends that are not idle match a rule; nothing was touched\n";
  for (const std::string& note : plan.notes)
    out += "  " + note + "\n";
  return out;
}

}  // namespace pghang
