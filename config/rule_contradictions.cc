#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include "config/checks.h"
#include "config/pattern.h"
#include "config/rule_states.h"

namespace pghang {

namespace {

/// The same expression on both sides cancels out; an exact value may be excluded by any pattern.
bool is_excluded(const Pattern& include, const std::vector<Pattern>& exclude) {
  if (std::ranges::find(exclude, include) != exclude.end()) return true;
  return !include.is_regex && !admits({.include = {}, .exclude = exclude}, include.text);
}

template <typename T, typename Excluded>
void check_criterion(
    const Criterion<T>& criterion,
    const std::string& key,
    Excluded is_excluded,
    std::vector<Finding>& findings
) {
  if (criterion.include.empty()) return;
  const bool nothing_left = std::ranges::all_of(criterion.include, [&](const T& include) {
    return is_excluded(include, criterion.exclude);
  });
  if (nothing_left) findings.push_back({key, "matches nothing: all that it includes is excluded"});
}

void check_texts(const Match& match, const std::string& key, std::vector<Finding>& findings) {
  struct Column {
    const char* name;
    TextCriterion Match::*criterion;
  };

  for (const Column& column : {
           Column{"backend_type", &Match::backend_type},
           Column{"database", &Match::database},
           Column{"user", &Match::user},
           Column{"application_name", &Match::application_name},
           Column{"wait_event_type", &Match::wait_event_type},
           Column{"wait_event", &Match::wait_event},
           Column{"query", &Match::query},
       })
    check_criterion(match.*column.criterion, key + "." + column.name, is_excluded, findings);
}

/// Constants are masked before a rule sees the text, so no quote of one is left.
void check_masked(const Match& match, const std::string& key, std::vector<Finding>& findings) {
  for (const Pattern& pattern : match.query.include) {
    if (pattern.text.find('\'') == std::string::npos) continue;
    findings.push_back(
        {key + ".query",
         "matches nothing that has a quote: constants are masked as `?` before rules see the text"}
    );
    return;
  }
}

/// Columns that are NULL in all the states that the rule lets pass.
void check_times(const Match& match, const std::string& key, std::vector<Finding>& findings) {
  const std::vector<BackendState> states = admitted_states(match);
  const bool no_transaction =
      std::ranges::all_of(states, [](const BackendState& s) { return !s.has_transaction; });
  const bool no_times =
      std::ranges::all_of(states, [](const BackendState& s) { return !s.has_times; });
  const auto report = [&](bool asked, const char* name, const char* why) {
    if (asked) findings.push_back({key + "." + name, std::string("never holds: ") + why});
  };
  if (no_transaction) {
    const char* const why = "an idle session has no transaction, and the rule matches no other";
    report(match.transaction_age.has_value(), "transaction_age", why);
    report(match.xmin_age_over.has_value(), "xmin_age_over", why);
  }
  if (no_times) {
    const char* const why =
        "a session in state disabled reports no times, and the rule matches no "
        "other";
    report(match.query_age.has_value(), "query_age", why);
    report(match.transaction_age.has_value(), "transaction_age", why);
    report(match.state_age.has_value(), "state_age", why);
  }
}

}  // namespace

void check_contradictions(
    const Rule& rule,
    const std::string& key,
    std::vector<Finding>& findings
) {
  const std::string match_key = key + ".match";
  check_texts(rule.match, match_key, findings);
  check_criterion(
      rule.match.client_addr,
      match_key + ".client_addr",
      [](const Network& include, const std::vector<Network>& exclude) {
        return std::ranges::any_of(exclude, [&](const Network& each) {
          return contains(each, include);
        });
      },
      findings
  );
  check_criterion(
      rule.match.query_id,
      match_key + ".query_id",
      [](std::int64_t include, const std::vector<std::int64_t>& exclude) {
        return std::ranges::find(exclude, include) != exclude.end();
      },
      findings
  );
  check_masked(rule.match, match_key, findings);
  check_times(rule.match, match_key, findings);
}

}  // namespace pghang
