#pragma once

#include <cstddef>
#include <optional>
#include <regex>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace pghang::escalation {

/// A regular expression sees at most this much of a value: std::regex recurses per character.
inline constexpr std::size_t kMaxRegexInput = 1024;

/// One Pattern, compiled once. Copyable, immutable.
class CompiledPattern {
 public:
  /// `ignore_case`: of ASCII letters.
  CompiledPattern(const Pattern& pattern, bool ignore_case);

  /// Exact patterns compare all of `text`; regular expressions search its first kMaxRegexInput
  /// bytes. Nothing when the expression does not compile or gives up: the caller must take that as
  /// "do not touch this backend", for an include as for an exclude.
  [[nodiscard]] std::optional<bool> matches(std::string_view text) const;

  /// As in the configuration file: a regular expression starts with `/`.
  [[nodiscard]] std::string text() const;

 private:
  Pattern pattern_;
  bool ignore_case_;
  std::optional<std::regex> regex_;
};

}  // namespace pghang::escalation
