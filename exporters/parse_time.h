#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pghang {

/// Microseconds since the unix epoch of a time as RFC 3339 section 5.6 has it:
/// `2026-11-22T15:12:03.5Z`, `2026-11-22T16:12:03+01:00`. More than six decimals are cut; a leap
/// second is the second after it. Nothing of what is no such time.
[[nodiscard]] std::optional<std::int64_t> parse_rfc3339(std::string_view text);

}  // namespace pghang
