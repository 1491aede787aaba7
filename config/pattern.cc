#include "config/pattern.h"

#include <algorithm>

namespace pghang {

namespace {

Error malformed(std::string context) {
  return {.code = Errc::malformed, .context = std::move(context)};
}

/// `/x/` is how other programs write it; here its last slash would have to be in the value, and the
/// rule would silently match nothing.
bool ends_in_plain_slash(std::string_view expression) {
  return expression.ends_with('/') && !expression.ends_with("\\/");
}

bool matches(const Pattern& pattern, const std::string& value) {
  if (!pattern.is_regex) return pattern.text == value;
  const auto compiled = compile_pattern(pattern.text, false);
  return compiled && std::regex_search(value, *compiled);
}

bool matches_any(const std::vector<Pattern>& patterns, const std::string& value) {
  return std::any_of(patterns.begin(), patterns.end(), [&value](const Pattern& pattern) {
    return matches(pattern, value);
  });
}

}  // namespace

Result<Pattern> parse_pattern(std::string_view text) {
  if (text.size() > kLongestPattern)
    return malformed("is longer than " + std::to_string(kLongestPattern) + " bytes");
  if (!text.starts_with('/')) return Pattern{.text = std::string(text), .is_regex = false};
  Pattern pattern{.text = std::string(text.substr(1)), .is_regex = true};
  if (pattern.text.empty()) return malformed("is an empty regular expression");
  if (ends_in_plain_slash(pattern.text))
    return malformed("ends in a slash; a regular expression has one only at its start");
  if (const auto compiled = compile_pattern(pattern.text, false); !compiled)
    return compiled.error();
  return pattern;
}

Result<std::regex> compile_pattern(const std::string& expression, bool ignore_case) {
  auto flags = std::regex_constants::ECMAScript | std::regex_constants::__polynomial;
  if (ignore_case) flags |= std::regex_constants::icase;
  try {
    return std::regex(expression, flags);
  } catch (const std::regex_error& error) {
    return malformed(std::string("is not a regular expression: ") + error.what());
  }
}

bool admits(const TextCriterion& criterion, const std::string& value) {
  const bool included = criterion.include.empty() || matches_any(criterion.include, value);
  return included && !matches_any(criterion.exclude, value);
}

}  // namespace pghang
