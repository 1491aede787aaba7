#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"

namespace pghang {

/// From when on clocks are so far ahead of UTC.
struct ClockChange {
  std::int64_t at = 0;  ///< unix seconds
  std::int32_t ahead_seconds = 0;

  friend bool operator==(const ClockChange&, const ClockChange&) = default;
};

/// How the clocks of a time zone go until the end of kLastZoneYear; from then on they stay.
struct TimeZone {
  std::string name;                  ///< `Europe/Berlin`
  std::vector<ClockChange> changes;  ///< by time; empty: UTC

  friend bool operator==(const TimeZone&, const TimeZone&) = default;
};

inline constexpr int kLastZoneYear = 2099;

/// A zone of the system's tz database by its name, or `UTC`. Errors: not_found, malformed. Blocks
/// on the file system.
[[nodiscard]] Result<TimeZone> load_time_zone(std::string_view name);

/// A file of the tz database (RFC 8536, tzfile(5)). `name` is kept as it is. Changes of before 2020
/// are left out.
[[nodiscard]] Result<TimeZone> parse_tzif(std::string_view name, std::string_view bytes);

/// How far ahead of UTC its clocks are at a moment of unix time.
[[nodiscard]] std::chrono::seconds ahead_of_utc(const TimeZone& zone, std::int64_t unix_seconds);

}  // namespace pghang
