#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace pghang {

/// Where a trace ends at the latest.
struct TraceLimits {
  std::chrono::milliseconds duration{0};
  std::uint64_t max_stops = 0;
  double max_held_share = 0;  ///< of the duration, all stops together
};

/// Places at which a test may end a process. Production passes no listener.
enum class TracePoint {
  before_seize,
  after_interrupt,
  at_first_stop,
  at_entry,
  at_exit,
  at_signal,
  at_group_stop,
  while_running,  ///< attached, and the target goes on
  after_detach,
};
using TracePointListener = std::function<void(TracePoint)>;

}  // namespace pghang
