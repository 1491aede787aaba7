#include <algorithm>
#include <string>
#include <vector>

#include "config/checks.h"
#include "config/nearest.h"
#include "config/rule_states.h"

namespace pghang {

namespace {

std::vector<std::string> state_names() {
  std::vector<std::string> names;
  for (const BackendState& state : backend_states())
    names.push_back(state.name);
  return names;
}

/// A misspelled state matches nothing, for ever and without a word.
void check_state_names(
    const std::vector<Pattern>& patterns,
    const std::string& key,
    std::vector<Finding>& findings
) {
  const std::vector<std::string> names = state_names();
  for (const Pattern& pattern : patterns) {
    if (pattern.is_regex) continue;
    if (std::find(names.begin(), names.end(), pattern.text) != names.end()) continue;
    findings.push_back(
        {key,
         "`" + pattern.text + "` is not a state of pg_stat_activity" +
             did_you_mean(pattern.text, names)}
    );
  }
}

/// The default of backend_type written out is no criterion either.
bool matches_every_client(const Match& match) {
  const TextCriterion clients{.include = {{.text = "client backend"}}, .exclude = {}};
  Match rest = match;
  if (rest.backend_type == clients) rest.backend_type = {};
  rest.in_recovery.reset();  // says nothing of a backend
  return rest == Match{};
}

}  // namespace

void check_rule(const Rule& rule, const std::string& key, std::vector<Finding>& findings) {
  const std::string state_key = key + ".match.state";
  const std::size_t before = findings.size();
  check_state_names(rule.match.state.include, state_key, findings);
  check_state_names(rule.match.state.exclude, state_key, findings);
  const bool names_are_good = findings.size() == before;

  if (rule.action != RuleAction::observe && matches_every_client(rule.match)) {
    findings.push_back(
        {key + ".match",
         std::string("is empty: the rule would ") + to_string(rule.action) +
             " every client backend; set a criterion, or `action: observe`"}
    );
  }

  if (!names_are_good) return;
  const std::vector<BackendState> admitted = admitted_states(rule.match);
  if (admitted.empty()) {
    findings.push_back(
        {state_key,
         rule.match.idle_in_transaction ? "lets no state pass that `idle_in_transaction` wants"
                                        : "matches no state of pg_stat_activity"}
    );
    return;
  }
  const bool only_idle =
      std::ranges::all_of(admitted, [](const BackendState& s) { return s.is_idle; });
  if (rule.action == RuleAction::cancel && only_idle) {
    findings.push_back(
        {key + ".action",
         "PostgreSQL ignores a cancel in the idle states this rule matches; use `terminate`"}
    );
  }
  check_contradictions(rule, key, findings);
}

}  // namespace pghang
