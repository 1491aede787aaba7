#include "daemon/escalation/rule_matcher.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <string_view>
#include <utility>

#include "config/units.h"
#include "daemon/escalation/compiled_pattern.h"

namespace pghang::escalation {

namespace {

using Text = std::optional<std::string_view>;

struct TextColumn {
  const char* name;
  TextCriterion Match::*criterion;
  Text (*value)(const Activity&);
  bool ignore_case;
};

struct AgeColumn {
  const char* name;
  std::optional<Duration> Match::*wanted;
  std::optional<Micros> Activity::*age;
};

template <std::optional<std::string> Activity::*Column>
Text column(const Activity& activity) {
  const auto& value = activity.*Column;
  return value ? Text(*value) : std::nullopt;
}

Text backend_type(const Activity& activity) {
  return activity.backend_type.empty() ? std::nullopt : Text(activity.backend_type);
}

constexpr std::array kTextColumns{
    TextColumn{"state", &Match::state, column<&Activity::state>, false},
    TextColumn{"backend_type", &Match::backend_type, backend_type, false},
    TextColumn{"database", &Match::database, column<&Activity::database>, false},
    TextColumn{"user", &Match::user, column<&Activity::user>, false},
    TextColumn{
        "application_name",
        &Match::application_name,
        column<&Activity::application_name>,
        false},
    TextColumn{
        "wait_event_type",
        &Match::wait_event_type,
        column<&Activity::wait_event_type>,
        true},
    TextColumn{"wait_event", &Match::wait_event, column<&Activity::wait_event>, true},
};

constexpr std::array kAgeColumns{
    AgeColumn{"query_age", &Match::query_age, &Activity::query_age},
    AgeColumn{"transaction_age", &Match::transaction_age, &Activity::xact_age},
    AgeColumn{"state_age", &Match::state_age, &Activity::state_age},
};

struct CompiledText {
  std::vector<CompiledPattern> include;
  std::vector<CompiledPattern> exclude;
};

struct CompiledRule {
  std::array<CompiledText, kTextColumns.size()> texts;
};

std::vector<CompiledPattern> compile(const std::vector<Pattern>& patterns, bool ignore_case) {
  std::vector<CompiledPattern> compiled;
  compiled.reserve(patterns.size());
  for (const Pattern& pattern : patterns)
    compiled.emplace_back(pattern, ignore_case);
  return compiled;
}

CompiledRule compile(const Rule& rule) {
  Match match = rule.match;
  if (match.backend_type.empty()) {
    match.backend_type.include.push_back({.text = "client backend", .is_regex = false});
  }
  CompiledRule compiled;
  for (std::size_t i = 0; i < kTextColumns.size(); ++i) {
    const TextCriterion& criterion = match.*kTextColumns[i].criterion;
    compiled.texts[i].include = compile(criterion.include, kTextColumns[i].ignore_case);
    compiled.texts[i].exclude = compile(criterion.exclude, kTextColumns[i].ignore_case);
  }
  return compiled;
}

bool included(const CompiledText& criterion, Text value) {
  if (criterion.include.empty()) return true;
  return value && std::ranges::any_of(criterion.include, [&](const CompiledPattern& pattern) {
           return pattern.matches(*value) == true;
         });
}

const CompiledPattern* excluding(const CompiledText& criterion, Text value) {
  if (!value) return nullptr;
  const auto found = std::ranges::find_if(criterion.exclude, [&](const CompiledPattern& pattern) {
    return pattern.matches(*value) != false;  // one that is broken protects
  });
  return found == criterion.exclude.end() ? nullptr : &*found;
}

bool holds(const CompiledText& criterion, Text value) {
  return included(criterion, value) && excluding(criterion, value) == nullptr;
}

bool old_enough(const std::optional<Duration>& wanted, const std::optional<Micros>& age) {
  return !wanted || (age && std::chrono::floor<Duration>(*age) >= *wanted);
}

std::string describe(const TextColumn& column, const CompiledText& criterion, Text value) {
  std::string text = std::string(column.name) + ": " + (value ? std::string(*value) : "NULL");
  if (included(criterion, value)) {
    return text + ", excluded by " + excluding(criterion, value)->text();
  }
  const char* separator = ", wanted ";
  for (const CompiledPattern& pattern : criterion.include) {
    text += separator + pattern.text();
    separator = " or ";
  }
  return text;
}

std::string describe(const AgeColumn& column, Duration wanted, std::optional<Micros> age) {
  using std::chrono::seconds;
  std::string text = "NULL";
  if (age) {
    const bool coarse = *age >= seconds(1);
    text = format_duration(
        coarse ? Duration(std::chrono::floor<seconds>(*age)) : std::chrono::floor<Duration>(*age)
    );
  }
  return std::string(column.name) + ": " + text + ", wanted " + format_duration(wanted);
}

bool holds(const Rule& rule, const CompiledRule& compiled, const Activity& activity) {
  // Ages first: they cost nothing and rule out most rows before any regular expression runs.
  const bool ages = std::ranges::all_of(kAgeColumns, [&](const AgeColumn& column) {
    return old_enough(rule.match.*column.wanted, activity.*column.age);
  });
  if (!ages) return false;
  for (std::size_t i = 0; i < kTextColumns.size(); ++i) {
    if (!holds(compiled.texts[i], kTextColumns[i].value(activity))) return false;
  }
  return true;
}

}  // namespace

struct RuleMatcher::Impl {
  std::vector<Rule> rules;
  std::vector<CompiledRule> compiled;
};

RuleMatcher::RuleMatcher(std::vector<Rule> rules) : impl_(std::make_unique<Impl>()) {
  impl_->compiled.reserve(rules.size());
  for (const Rule& rule : rules)
    impl_->compiled.push_back(compile(rule));
  impl_->rules = std::move(rules);
}

RuleMatcher::RuleMatcher(RuleMatcher&&) noexcept = default;
RuleMatcher& RuleMatcher::operator=(RuleMatcher&&) noexcept = default;
RuleMatcher::~RuleMatcher() = default;

const std::vector<Rule>& RuleMatcher::rules() const {
  return impl_->rules;
}

std::optional<std::size_t> RuleMatcher::match(const Activity& activity) const {
  for (std::size_t i = 0; i < impl_->rules.size(); ++i) {
    if (holds(impl_->rules[i], impl_->compiled[i], activity)) return i;
  }
  return std::nullopt;
}

std::optional<std::string> RuleMatcher::first_mismatch(std::size_t rule, const Activity& activity)
    const {
  assert(rule < impl_->rules.size());
  const CompiledRule& compiled = impl_->compiled[rule];
  for (std::size_t i = 0; i < kTextColumns.size(); ++i) {
    const Text value = kTextColumns[i].value(activity);
    if (!holds(compiled.texts[i], value))
      return describe(kTextColumns[i], compiled.texts[i], value);
  }
  const Match& match = impl_->rules[rule].match;
  for (const AgeColumn& column : kAgeColumns) {
    if (!old_enough(match.*column.wanted, activity.*column.age)) {
      return describe(column, *(match.*column.wanted), activity.*column.age);
    }
  }
  return std::nullopt;
}

}  // namespace pghang::escalation
