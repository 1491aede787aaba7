#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "config/time_zone.h"

namespace pghang {

/// What POSIX's TZ variable says of the clocks (`CET-1CEST,M3.5.0,M10.5.0/3`; POSIX.1-2017 section
/// 8.3, and RFC 8536 section 3.3.1 for hours beyond the day), as changes after the moment
/// `known_until` (unix seconds) until the end of `last_year`. At most two a year; none where the
/// clocks never change. Nothing when the text is no such rule.
[[nodiscard]] std::optional<std::vector<ClockChange>>
posix_changes(std::string_view rule, std::int64_t known_until, int last_year);

}  // namespace pghang
