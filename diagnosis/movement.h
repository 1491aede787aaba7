#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "collectors/evidence/process.h"

namespace pghang {

/// What changed between the first and the last sample of a capture. Counters of a process never
/// fall; where a pair says so, it counts as no change.
struct Movement {
  std::size_t samples = 0;
  std::size_t stacks = 0;    ///< samples that have a stack
  std::size_t distinct = 0;  ///< different ones among them
  std::size_t same = 0;      ///< samples that show the most common one
  std::size_t stops = 0;     ///< samples for which the process was stopped
  double held_micros = 0;    ///< all stops together
  std::uint64_t cpu_nanos = 0;
  std::uint64_t switches = 0;
  /// Absent where the counters could not be read. Of what the calls passed and what storage did,
  /// the larger: rchar or read_bytes, wchar or write_bytes; either may move alone.
  std::optional<std::uint64_t> read_bytes;
  std::optional<std::uint64_t> write_bytes;

  /// It was switched, its stack changed, or bytes moved. CPU time alone is not moving.
  [[nodiscard]] bool moving() const { return switches > 0 || distinct > 1 || moves_bytes(); }

  [[nodiscard]] bool moves_bytes() const {
    return read_bytes.value_or(0) > 0 || write_bytes.value_or(0) > 0;
  }
};

[[nodiscard]] Movement movement_of(const std::vector<Sample>& samples);

}  // namespace pghang
