#include "daemon/escalation/text_criterion.h"

#include <algorithm>

namespace pghang::escalation {

namespace {

std::vector<CompiledPattern> compile(const std::vector<Pattern>& patterns, bool ignore_case) {
  std::vector<CompiledPattern> compiled;
  compiled.reserve(patterns.size());
  for (const Pattern& pattern : patterns)
    compiled.emplace_back(pattern, ignore_case);
  return compiled;
}

}  // namespace

CompiledText::CompiledText(const TextCriterion& criterion, bool ignore_case)
    : include_(compile(criterion.include, ignore_case)),
      exclude_(compile(criterion.exclude, ignore_case)) {}

bool CompiledText::included(std::optional<std::string_view> value) const {
  if (include_.empty()) return true;
  return value && std::ranges::any_of(include_, [&](const CompiledPattern& pattern) {
           return pattern.matches(*value) == true;
         });
}

const CompiledPattern* CompiledText::excluding(std::optional<std::string_view> value) const {
  if (!value) return nullptr;
  const auto found = std::ranges::find_if(exclude_, [&](const CompiledPattern& pattern) {
    return pattern.matches(*value) != false;  // one that is broken protects
  });
  return found == exclude_.end() ? nullptr : &*found;
}

bool CompiledText::holds(std::optional<std::string_view> value) const {
  return included(value) && excluding(value) == nullptr;
}

std::string CompiledText::mismatch(const char* name, std::optional<std::string_view> value) const {
  std::string text = std::string(name) + ": " + (value ? std::string(*value) : "NULL");
  if (included(value)) return text + ", excluded by " + excluding(value)->text();
  const char* separator = ", wanted ";
  for (const CompiledPattern& pattern : include_) {
    text += separator + pattern.text();
    separator = " or ";
  }
  return text;
}

}  // namespace pghang::escalation
