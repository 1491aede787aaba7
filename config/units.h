#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/result.h"
#include "config/settings.h"

namespace pghang {

/// Parses `250ms`, `30s`, `5min` (also `5m`), `2h`, `1d`, and sums of them (`1h30min`). A bare
/// number other than 0 is an error that says to add a unit. Units are PostgreSQL's (`min`) and
/// Prometheus's (`m`).
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

/// The shortest text that parse_duration() reads back: `90s` → `1min30s`, `250ms`, `0s`.
[[nodiscard]] std::string format_duration(Duration duration);

/// Parses `512`, `64kB`, `8MB`, `1GB` (PostgreSQL's spelling, powers of 1024, case-insensitive,
/// also KiB/MiB/GiB).
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

/// In the largest unit that divides it: `8MB`, `1536kB`, `100B`. parse_size() reads it back.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

}  // namespace pghang
