#pragma once

#include <cstddef>
#include <regex>
#include <string>
#include <string_view>

#include "config/result.h"
#include "config/settings.h"

namespace pghang {

/// Bytes a pattern may have, its slash included.
inline constexpr std::size_t kLongestPattern = 256;

/// Reads one value of a text criterion: `/expression` or exact text. The error says what is wrong
/// with it. A regular expression is compiled once to know that it is one.
[[nodiscard]] Result<Pattern> parse_pattern(std::string_view text);

/// Compiles the text of a regular Pattern, for whoever matches with it. The match takes time
/// polynomial in the value (libstdc++'s breadth-first executor): application_name is chosen by
/// clients, and `(a+)+$` must not let one of them stall us. So there are no back-references.
[[nodiscard]] Result<std::regex> compile_pattern(const std::string& expression, bool ignore_case);

/// Whether a criterion lets `value` pass, as rules do it, case-sensitive. For checks of the
/// configuration only: it compiles at every call.
[[nodiscard]] bool admits(const TextCriterion& criterion, const std::string& value);

}  // namespace pghang
