#include "daemon/targets/lock_pacer.h"

#include <algorithm>

namespace pghang {

void LockPacer::asked(std::optional<std::chrono::microseconds> cost, TimePoint now) {
  if (cost && *cost <= kBudget) {
    pause_ = {};
    next_ = now;
    return;
  }
  pause_ = std::clamp(2 * pause_, kFirstPause, kLongestPause);
  next_ = now + pause_;
}

}  // namespace pghang
