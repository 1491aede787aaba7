#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "config/web_config.h"

namespace pghang {

/// `burst` at once, and one more each `interval`. Pure.
class TokenBucket {
 public:
  using Clock = std::chrono::steady_clock;

  explicit TokenBucket(const RateLimit& limit) : limit_(limit), tokens_(limit.burst) {}

  [[nodiscard]] const RateLimit& limit() const { return limit_; }

  /// Whether one may pass now. `now` never goes back.
  [[nodiscard]] bool take(Clock::time_point now) {
    if (limit_.interval <= Duration{0}) return true;
    const std::chrono::duration<double> passed = now - std::exchange(since_, now);
    tokens_ = std::min<double>(
        limit_.burst,
        tokens_ + passed / std::chrono::duration<double>(limit_.interval)
    );
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  RateLimit limit_;
  double tokens_;
  Clock::time_point since_{};
};

}  // namespace pghang
