#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/result.h"
#include "config/time_zone.h"

namespace pghang {

/// A part of each day, by the clocks of one time zone.
struct TimeWindow {
  /// Of the day on which it begins: bit 0 is Monday, bit 6 Sunday.
  std::uint8_t days = kEveryDay;
  std::chrono::minutes from{0};  ///< since midnight, below 24 h
  std::chrono::minutes to{0};    ///< up to 24 h; not after `from`: of the next day
  TimeZone zone;

  static constexpr std::uint8_t kEveryDay = 0x7F;

  friend bool operator==(const TimeWindow&, const TimeWindow&) = default;
};

/// `22:00-06:00 Europe/Berlin`, `Mon-Fri 22:00-06:00 Europe/Berlin`, `Sat,Sun 00:00-24:00 UTC`. A
/// window that begins when it ends is an error. Reads the zone's file: blocks on the file system.
[[nodiscard]] Result<TimeWindow> parse_time_window(std::string_view text);

/// As parse_time_window() reads it back.
[[nodiscard]] std::string to_string(const TimeWindow& window);

/// Whether the zone's clocks show a time of the window at `unix_micros`: `from` belongs to it, `to`
/// does not. An hour that the clocks skip is not in any window, one that they show twice is in both
/// times.
[[nodiscard]] bool covers(const TimeWindow& window, std::int64_t unix_micros);

}  // namespace pghang
