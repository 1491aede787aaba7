#include "daemon/escalation/compiled_pattern.h"

#include <algorithm>
#include <utility>

#include "config/pattern.h"

namespace pghang::escalation {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal(std::string_view a, std::string_view b, bool ignore_case) {
  if (!ignore_case) return a == b;
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

CompiledPattern::CompiledPattern(const Pattern& pattern, bool ignore_case)
    : pattern_(pattern),
      ignore_case_(ignore_case) {
  if (!pattern.is_regex) return;
  if (auto regex = compile_pattern(pattern.text, ignore_case)) regex_ = *std::move(regex);
}

std::optional<bool> CompiledPattern::matches(std::string_view text) const {
  if (!pattern_.is_regex) return equal(text, pattern_.text, ignore_case_);
  if (!regex_) return std::nullopt;
  const auto head = text.substr(0, kMaxRegexInput);
  try {
    return std::regex_search(head.begin(), head.end(), *regex_);
  } catch (const std::regex_error&) {
    return std::nullopt;
  }
}

std::string CompiledPattern::text() const {
  return pattern_.is_regex ? "/" + pattern_.text : pattern_.text;
}

}  // namespace pghang::escalation
