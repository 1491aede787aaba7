#include "daemon/escalation/protect_list.h"

#include <algorithm>
#include <string_view>

namespace pghang::escalation {

namespace {

using Text = std::optional<std::string_view>;

struct Column {
  TextCriterion ProtectMatch::*criterion;
  Text (*value)(const Activity&);
  bool ignore_case;
};

template <std::optional<std::string> Activity::*Member>
Text column(const Activity& activity) {
  const auto& value = activity.*Member;
  return value ? Text(*value) : std::nullopt;
}

template <std::string Activity::*Member>
Text plain(const Activity& activity) {
  const std::string& value = activity.*Member;
  return value.empty() ? std::nullopt : Text(value);
}

constexpr std::array kTable{
    Column{&ProtectMatch::backend_type, plain<&Activity::backend_type>, false},
    Column{&ProtectMatch::database, column<&Activity::database>, false},
    Column{&ProtectMatch::user, column<&Activity::user>, false},
    Column{&ProtectMatch::application_name, column<&Activity::application_name>, false},
    Column{&ProtectMatch::query, plain<&Activity::query>, true},
};

std::vector<CompiledPattern> compile(const std::vector<Pattern>& patterns, bool ignore_case) {
  std::vector<CompiledPattern> compiled;
  compiled.reserve(patterns.size());
  for (const Pattern& pattern : patterns)
    compiled.emplace_back(pattern, ignore_case);
  return compiled;
}

}  // namespace

ProtectList::ProtectList(const std::vector<Protection>& entries) {
  static_assert(kTable.size() == kColumns);
  for (const Protection& protection : entries) {
    Entry& entry = entries_.emplace_back();
    entry.name = protection.name;
    for (std::size_t i = 0; i < kColumns; ++i) {
      const TextCriterion& criterion = protection.match.*kTable[i].criterion;
      entry.criteria[i].include = compile(criterion.include, kTable[i].ignore_case);
      entry.criteria[i].exclude = compile(criterion.exclude, kTable[i].ignore_case);
    }
  }
}

std::optional<std::string> ProtectList::protecting(const Activity& activity) const {
  const auto holds = [](const Criterion& criterion, Text value) {
    const bool included =
        criterion.include.empty() ||
        (value && std::ranges::any_of(criterion.include, [&](const CompiledPattern& pattern) {
           return pattern.matches(*value) != false;
         }));
    return included &&
           (!value || std::ranges::none_of(criterion.exclude, [&](const CompiledPattern& pattern) {
             return pattern.matches(*value) == true;
           }));
  };
  for (const Entry& entry : entries_) {
    bool all = true;
    for (std::size_t i = 0; i < kColumns && all; ++i)
      all = holds(entry.criteria[i], kTable[i].value(activity));
    if (all) return entry.name;
  }
  return std::nullopt;
}

}  // namespace pghang::escalation
