#include <algorithm>
#include <string>

#include "config/checks.h"
#include "config/rule_shadows.h"
#include "config/rule_states.h"

namespace pghang {

namespace {

void warn_of_rule(const Rule& rule, const std::string& key, std::vector<Finding>& warnings) {
  if (!rule.group_by.empty() && rule.victims == Victims::all)
    warnings.push_back({key + ".group_by", "has no effect: `victims` is all"});

  const std::vector<BackendState> states = admitted_states(rule.match);
  const bool only_idle =
      std::ranges::all_of(states, [](const BackendState& s) { return s.is_idle; });
  if (only_idle && rule.match.query_age) {
    warnings.push_back(
        {key + ".match.query_age",
         "of an idle session counts from the start of its last statement; `state_age` is how long "
         "it has been idle"}
    );
  }
  const auto asks_for = [&](CaptureMoment moment) {
    return std::ranges::find(rule.capture, moment) != rule.capture.end();
  };
  const bool before_terminate = asks_for(CaptureMoment::before_terminate);
  if (rule.action == RuleAction::observe &&
      (asks_for(CaptureMoment::before_cancel) || before_terminate)) {
    warnings.push_back({key + ".capture", "before a signal never comes: `action` is observe"});
  } else if (rule.action == RuleAction::cancel && before_terminate) {
    warnings.push_back({key + ".capture", "before_terminate never comes: `action` is cancel"});
  }
}

}  // namespace

std::vector<Finding> warnings_of(const Settings& settings) {
  std::vector<Finding> warnings;
  for (std::size_t later = 0; later < settings.rules.size(); ++later) {
    const Rule& rule = settings.rules[later];
    const std::string key = "rules[" + std::to_string(later) + "]";
    warn_of_rule(rule, key, warnings);
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      if (implies(rule, settings.rules[earlier]) != Implied::likely) continue;
      warnings.push_back(
          {key + ".match",
           "probably never matches: rules[" + std::to_string(earlier) + "] `" +
               settings.rules[earlier].name + "` seems to match all of it first"}
      );
      break;
    }
  }
  return warnings;
}

}  // namespace pghang
