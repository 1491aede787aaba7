#pragma once

#include <cstdint>
#include <ctime>

namespace pghang {

/// CLOCK_MONOTONIC in microseconds.
[[nodiscard]] inline std::int64_t monotonic_micros() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1'000;
}

}  // namespace pghang
