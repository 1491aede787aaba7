#include "config/rule_shadows.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>

#include "config/checks.h"
#include "config/pattern.h"
#include "config/rule_states.h"

namespace pghang {

namespace {

template <typename T>
bool has(const std::vector<T>& list, const T& value) {
  return std::ranges::find(list, value) != list.end();
}

/// At least as much as the other one asks for.
template <typename T>
bool at_least(const std::optional<T>& later, const std::optional<T>& earlier) {
  return !earlier || (later && *later >= *earlier);
}

/// The text that every match of a regular expression holds, where that is plain to see.
std::optional<std::string> literal_of(const Pattern& pattern) {
  std::string text = pattern.text;
  if (text.starts_with('^')) text.erase(0, 1);
  if (text.ends_with('$')) text.pop_back();
  const bool plain = std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == ' ';
  });
  return plain && !text.empty() ? std::optional(text) : std::nullopt;
}

/// Of what one include of the later rule lets pass.
Implied
implied_by(const Pattern& include, const TextCriterion& later, const TextCriterion& earlier) {
  if (!include.is_regex) {
    // What the later rule itself excludes says nothing.
    return !admits(later, include.text) || admits(earlier, include.text) ? Implied::yes
                                                                         : Implied::no;
  }
  const bool excludes_no_more = std::ranges::all_of(earlier.exclude, [&](const Pattern& each) {
    return has(later.exclude, each);
  });
  if (!excludes_no_more) return Implied::no;
  if (earlier.include.empty() || has(earlier.include, include)) return Implied::yes;
  const auto literal = literal_of(include);
  return literal && admits(earlier, *literal) ? Implied::likely : Implied::no;
}

Implied text_implied(const TextCriterion& later, const TextCriterion& earlier) {
  if (earlier.empty()) return Implied::yes;
  if (later.include.empty()) {
    const bool same =
        earlier.include.empty() && std::ranges::all_of(earlier.exclude, [&](const Pattern& each) {
          return has(later.exclude, each);
        });
    return same ? Implied::yes : Implied::no;
  }
  Implied all = Implied::yes;
  for (const Pattern& include : later.include)
    all = std::min(all, implied_by(include, later, earlier));
  return all;
}

/// Wait events compare without regard to case: only what is spelled the same is the same.
Implied wait_implied(const TextCriterion& later, const TextCriterion& earlier) {
  const auto all_in = [](const std::vector<Pattern>& inner, const std::vector<Pattern>& outer) {
    return std::ranges::all_of(inner, [&](const Pattern& each) { return has(outer, each); });
  };
  const bool included =
      earlier.include.empty() || (!later.include.empty() && all_in(later.include, earlier.include));
  return included && all_in(earlier.exclude, later.exclude) ? Implied::yes : Implied::no;
}

/// A NULL state is let pass by a rule without an include only.
Implied state_implied(const Match& later, const Match& earlier) {
  const bool later_names = !later.state.include.empty() || later.idle_in_transaction;
  const bool earlier_names = !earlier.state.include.empty();
  if (earlier_names && !later_names) return Implied::no;
  const bool all = std::ranges::all_of(admitted_states(later), [&](const BackendState& state) {
    return admits(earlier.state, state.name);
  });
  return all ? Implied::yes : Implied::no;
}

bool idle_implied(const Match& later, const Match& earlier) {
  const auto& wanted = earlier.idle_in_transaction;
  if (at_least(later.idle_in_transaction, wanted)) return true;
  if (!at_least(later.state_age, wanted) || later.state.include.empty()) return false;
  return std::ranges::all_of(admitted_states(later), [](const BackendState& state) {
    return state.is_idle && state.has_transaction;
  });
}

bool network_implied(const NetworkCriterion& later, const NetworkCriterion& earlier) {
  const auto within = [](const Network& inner, const std::vector<Network>& list) {
    return std::ranges::any_of(list, [&](const Network& each) { return contains(each, inner); });
  };
  const bool excludes_no_more = std::ranges::all_of(earlier.exclude, [&](const Network& each) {
    return within(each, later.exclude);
  });
  if (!excludes_no_more) return false;
  if (earlier.include.empty()) return true;
  return !later.include.empty() && std::ranges::all_of(later.include, [&](const Network& each) {
    return within(each, earlier.include);
  });
}

bool query_id_implied(const QueryIdCriterion& later, const QueryIdCriterion& earlier) {
  if (earlier.empty()) return true;
  if (later.include.empty()) {
    return earlier.include.empty() && std::ranges::all_of(earlier.exclude, [&](std::int64_t id) {
             return has(later.exclude, id);
           });
  }
  return std::ranges::all_of(later.include, [&](std::int64_t id) {
    const bool included = earlier.include.empty() || has(earlier.include, id);
    return has(later.exclude, id) || (included && !has(earlier.exclude, id));
  });
}

bool window_implied(const std::vector<TimeWindow>& later, const std::vector<TimeWindow>& earlier) {
  if (earlier.empty()) return true;
  return !later.empty() &&
         std::ranges::all_of(later, [&](const TimeWindow& window) { return has(earlier, window); });
}

TextCriterion backend_type_of(const Match& match) {
  if (!match.backend_type.empty()) return match.backend_type;
  return {.include = {{.text = "client backend", .is_regex = false}}, .exclude = {}};
}

bool numbers_imply(const Match& later, const Match& earlier) {
  const bool idle_is_old_enough = at_least(later.idle_in_transaction, earlier.state_age);
  return at_least(later.query_age, earlier.query_age) &&
         at_least(later.transaction_age, earlier.transaction_age) &&
         (idle_is_old_enough || at_least(later.state_age, earlier.state_age)) &&
         at_least(later.xmin_age_over, earlier.xmin_age_over) &&
         at_least(later.blocking_at_least, earlier.blocking_at_least) &&
         at_least(later.not_advancing, earlier.not_advancing) &&
         at_least(later.terminate_ignored_for, earlier.terminate_ignored_for) &&
         (!earlier.in_recovery || later.in_recovery == earlier.in_recovery);
}

}  // namespace

Implied implies(const Rule& later_rule, const Rule& earlier_rule) {
  const Match& later = later_rule.match;
  const Match& earlier = earlier_rule.match;
  const bool others = numbers_imply(later, earlier) && idle_implied(later, earlier) &&
                      network_implied(later.client_addr, earlier.client_addr) &&
                      query_id_implied(later.query_id, earlier.query_id) &&
                      window_implied(later_rule.active, earlier_rule.active);
  if (!others) return Implied::no;
  return std::min({
      state_implied(later, earlier),
      text_implied(backend_type_of(later), backend_type_of(earlier)),
      text_implied(later.database, earlier.database),
      text_implied(later.user, earlier.user),
      text_implied(later.application_name, earlier.application_name),
      wait_implied(later.wait_event_type, earlier.wait_event_type),
      wait_implied(later.wait_event, earlier.wait_event),
      text_implied(later.query, earlier.query),
  });
}

void check_shadows(
    const std::vector<Rule>& rules,
    const std::string& key,
    std::vector<Finding>& findings
) {
  for (std::size_t later = 1; later < rules.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      if (implies(rules[later], rules[earlier]) != Implied::yes) continue;
      findings.push_back(
          {element(key, later) + ".match",
           "never matches: whatever it asks for, " + element(key, earlier) + " `" +
               rules[earlier].name + "` matches first"}
      );
      break;
    }
  }
}

}  // namespace pghang
