#include "daemon/escalation/rule_matcher.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/escalation/plain_criterion.h"
#include "daemon/escalation/text_criterion.h"
#include "diagnosis/query_text.h"

namespace pghang::escalation {

namespace {

using Text = std::optional<std::string_view>;

struct TextColumn {
  const char* name;
  TextCriterion Match::*criterion;
  Text (*value)(const Activity&);
  bool ignore_case;
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

/// More of a statement's text says no more about why it does not match.
constexpr std::size_t kShownQuery = 60;

struct CompiledRule {
  std::array<CompiledText, kTextColumns.size()> texts;
  CompiledText query;
  FactNeeds needs;
};

CompiledRule compile(const Rule& rule) {
  Match match = rule.match;
  if (match.backend_type.empty()) {
    match.backend_type.include.push_back({.text = "client backend", .is_regex = false});
  }
  CompiledRule compiled;
  for (std::size_t i = 0; i < kTextColumns.size(); ++i) {
    const TextColumn& column = kTextColumns[i];
    compiled.texts[i] = CompiledText(match.*column.criterion, column.ignore_case);
  }
  compiled.query = CompiledText(match.query, false);
  compiled.needs = facts_for(match);
  return compiled;
}

/// One backend in one poll. Its statement is masked when the first rule asks, and once.
class Subject {
 public:
  Subject(const Activity& row, const Circumstances& around) : row_(row), around_(around) {}

  [[nodiscard]] const Activity& row() const { return row_; }

  [[nodiscard]] const Circumstances& around() const { return around_; }

  [[nodiscard]] Text query() const {
    if (!masked_) masked_ = mask_query(row_.query);
    return masked_->empty() ? std::nullopt : Text(*masked_);
  }

 private:
  const Activity& row_;
  const Circumstances& around_;
  mutable std::optional<std::string> masked_;
};

bool all_hold(std::span<const PlainCriterion> criteria, const Rule& rule, const Subject& subject) {
  return std::ranges::all_of(criteria, [&](const PlainCriterion& criterion) {
    return criterion.holds(rule, subject.row(), subject.around());
  });
}

/// All that the poll decides. Regular expressions last: the others rule out most rows for nothing.
bool holds_in_poll(const Rule& rule, const CompiledRule& compiled, const Subject& subject) {
  if (!all_hold(plain_criteria(), rule, subject)) return false;
  for (std::size_t i = 0; i < kTextColumns.size(); ++i) {
    if (!compiled.texts[i].holds(kTextColumns[i].value(subject.row()))) return false;
  }
  return compiled.query.empty() || compiled.query.holds(subject.query());
}

std::optional<std::string>
first_of(std::span<const PlainCriterion> criteria, const Rule& rule, const Subject& subject) {
  for (const PlainCriterion& criterion : criteria) {
    if (criterion.holds(rule, subject.row(), subject.around())) continue;
    return std::string(criterion.name) + ": " +
           criterion.mismatch(rule, subject.row(), subject.around());
  }
  return std::nullopt;
}

/// Cut between two characters of UTF-8.
std::string_view head_of(std::string_view text) {
  if (text.size() <= kShownQuery) return text;
  std::size_t end = kShownQuery;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return text.substr(0, end);
}

}  // namespace

struct RuleMatcher::Impl {
  std::vector<Rule> rules;
  std::vector<CompiledRule> compiled;
  std::size_t costly = 0;  ///< behind the last rule that asks for facts
};

RuleMatcher::RuleMatcher(std::vector<Rule> rules) : impl_(std::make_unique<Impl>()) {
  impl_->compiled.reserve(rules.size());
  for (const Rule& rule : rules)
    impl_->compiled.push_back(compile(rule));
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (impl_->compiled[i].needs.any()) impl_->costly = i + 1;
  impl_->rules = std::move(rules);
}

RuleMatcher::RuleMatcher(RuleMatcher&&) noexcept = default;
RuleMatcher& RuleMatcher::operator=(RuleMatcher&&) noexcept = default;
RuleMatcher::~RuleMatcher() = default;

const std::vector<Rule>& RuleMatcher::rules() const {
  return impl_->rules;
}

std::optional<std::size_t> RuleMatcher::match(const Activity& activity, const Circumstances& around)
    const {
  const Subject subject(activity, around);
  for (std::size_t i = 0; i < impl_->rules.size(); ++i) {
    const Rule& rule = impl_->rules[i];
    const bool known =
        !impl_->compiled[i].needs.any() || all_hold(costly_criteria(), rule, subject);
    if (known && holds_in_poll(rule, impl_->compiled[i], subject)) return i;
  }
  return std::nullopt;
}

FactNeeds RuleMatcher::needs(const Activity& activity, const Circumstances& around) const {
  FactNeeds needs;
  const Subject subject(activity, around);
  for (std::size_t i = 0; i < impl_->costly; ++i) {
    const FactNeeds& asked = impl_->compiled[i].needs;
    const bool news = (asked.locks && !needs.locks) || (asked.process && !needs.process);
    if (asked.any() && !news) continue;
    if (!holds_in_poll(impl_->rules[i], impl_->compiled[i], subject)) continue;
    if (!asked.any()) break;
    needs.locks = needs.locks || asked.locks;
    needs.process = needs.process || asked.process;
  }
  return needs;
}

std::optional<std::string> RuleMatcher::first_mismatch(
    std::size_t rule,
    const Activity& activity,
    const Circumstances& around
) const {
  assert(rule < impl_->rules.size());
  const CompiledRule& compiled = impl_->compiled[rule];
  const Subject subject(activity, around);
  for (std::size_t i = 0; i < kTextColumns.size(); ++i) {
    const Text value = kTextColumns[i].value(activity);
    if (!compiled.texts[i].holds(value))
      return compiled.texts[i].mismatch(kTextColumns[i].name, value);
  }
  if (!compiled.query.empty() && !compiled.query.holds(subject.query())) {
    const Text query = subject.query();
    if (query && query->size() > kShownQuery) {
      // The mismatch of the whole text, shown with its head only.
      const std::string whole = compiled.query.mismatch("query", query);
      return "query: " + std::string(head_of(*query)) + "..." +
             whole.substr(std::string_view("query: ").size() + query->size());
    }
    return compiled.query.mismatch("query", query);
  }
  if (auto plain = first_of(plain_criteria(), impl_->rules[rule], subject)) return plain;
  return first_of(costly_criteria(), impl_->rules[rule], subject);
}

}  // namespace pghang::escalation
