#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/result.h"

namespace pghang {

/// Why and how long no signal is sent. As a file:
///
///   pghangd pause 1
///   since 1764226800000000
///   until 1764230400000000
///   by uid 0, pid 4711
///   reason upgrade of the storage
///
/// Times are microseconds of the unix epoch; without `until` it lasts until somebody resumes.
struct Pause {
  std::int64_t since_micros = 0;
  std::optional<std::int64_t> until_micros;
  std::string by;
  std::string reason;  ///< one line; may be empty

  friend bool operator==(const Pause&, const Pause&) = default;
};

[[nodiscard]] std::string pause_text(const Pause& pause);

/// Malformed for anything that pause_text() did not write, a file cut short included.
[[nodiscard]] Result<Pause> parse_pause(std::string_view text);

}  // namespace pghang
