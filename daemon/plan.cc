#include "daemon/plan.h"

#include <chrono>

#include "config/units.h"
#include "daemon/chronicle.h"
#include "daemon/escalation/exemption.h"
#include "diagnosis/query_text.h"

namespace pghang {
namespace {

constexpr std::size_t kQueryColumns = 100;

bool waits_for_client(const Activity& activity) {
  return activity.state.value_or("").starts_with("idle");
}

/// What the first signal would be and what follows it.
std::string steps(const Activity& activity, const Rule& rule) {
  const std::string terminate =
      "terminate, unresponsive after " + format_duration(rule.terminate_grace);
  if (rule.action == RuleAction::observe) return "observe: no signal";
  if (rule.action == RuleAction::cancel) {
    return "cancel, unresponsive after " + format_duration(rule.cancel_grace);
  }
  if (waits_for_client(activity)) return terminate + " (a cancel does nothing to an idle session)";
  return "cancel, after " + format_duration(rule.cancel_grace) + " " + terminate;
}

std::string describe(const Activity& activity) {
  std::string line = "pid " + std::to_string(activity.key.pid) + "  " + activity.backend_type;
  const auto add = [&line](const char* label, const std::optional<std::string>& value) {
    if (value && !value->empty()) line += std::string("  ") + label + *value;
  };
  add("db=", activity.database);
  add("user=", activity.user);
  add("app=", activity.application_name);
  add("state=", activity.state);
  if (activity.wait_event) {
    line += "  wait=" + activity.wait_event_type.value_or("") + ":" + *activity.wait_event;
  }
  if (activity.query_age) {
    line += "  query " + format_seconds(std::chrono::duration<double>(*activity.query_age).count());
  }
  return line;
}

std::string decision(
    const Activity& activity,
    const escalation::RuleMatcher& rules,
    Mode mode,
    const escalation::ProtectList& protect
) {
  const auto matched = rules.match(activity);
  if (!matched) {
    std::string text;
    for (std::size_t i = 0; i < rules.rules().size(); ++i) {
      text += "    not " + rules.rules()[i].name + ": " +
              rules.first_mismatch(i, activity).value_or("") + "\n";
    }
    return text.empty() ? "    no rule is configured\n" : text;
  }
  const Rule& rule = rules.rules()[*matched];
  std::string text = "    rule " + rule.name + ": ";
  if (const auto spared = escalation::protection_of(activity, rule, protect)) {
    text += std::string("exempt (") + to_string(spared->exemption);
    if (!spared->entry.empty()) text += " by " + spared->entry;
    return text + "): no signal\n";
  }
  text += steps(activity, rule);
  if (rule.for_.count() > 0) text += ", once it matched for " + format_duration(rule.for_);
  if (mode == Mode::observe) text += " [mode observe: nothing is sent]";
  return text + "\n";
}

}  // namespace

std::string render_plan(
    const std::string& target,
    const ActivitySnapshot& snapshot,
    const escalation::RuleMatcher& rules,
    Mode mode,
    const escalation::ProtectList& protect
) {
  std::string out = "target " + target + ": PostgreSQL " + snapshot.server.version +
                    (snapshot.server.in_recovery ? ", in recovery" : "") + ", mode " +
                    (mode == Mode::enforce ? "enforce" : "observe") + "\n";
  std::size_t matched = 0;
  for (const Activity& activity : snapshot.rows) {
    if (rules.match(activity)) ++matched;
    out += "  " + describe(activity) + "\n";
    std::string query = mask_query(activity.query);
    if (query.size() > kQueryColumns) query = query.substr(0, kQueryColumns) + "...";
    if (!query.empty()) out += "    query " + query + "\n";
    out += decision(activity, rules, mode, protect);
  }
  out += "  " + std::to_string(matched) + " of " + std::to_string(snapshot.rows.size()) +
         " backends that are not idle match a rule; nothing was touched\n";
  return out;
}

}  // namespace pghang
