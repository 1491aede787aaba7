#include <algorithm>

#include "collectors/postgres/connection.h"

namespace pghang {

Duration reconnect_delay(unsigned failures, Duration cap, double random01) {
  // 250 ms << 20 is three days; further doublings would only overflow.
  const unsigned doublings = std::min(failures > 0 ? failures - 1 : 0U, 20U);
  const Duration full = std::min(Duration{250} * (Duration::rep{1} << doublings), cap);
  const double factor = 0.5 + 0.5 * std::clamp(random01, 0.0, 1.0);
  return std::chrono::duration_cast<Duration>(full * factor);
}

}  // namespace pghang
