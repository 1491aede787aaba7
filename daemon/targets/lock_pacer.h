#pragma once

#include <chrono>
#include <optional>

namespace pghang {

/// When to ask a server again who waits for whom: with every poll as long as that is cheap. Pure:
/// time is an argument.
class LockPacer {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Server time that one look may cost.
  static constexpr std::chrono::milliseconds kBudget{20};
  /// The pause after one that cost more, or failed; doubles with each in a row.
  static constexpr std::chrono::seconds kFirstPause{5};
  static constexpr std::chrono::seconds kLongestPause{80};

  [[nodiscard]] bool due(TimePoint now) const { return now >= next_; }

  /// `cost`: what the server says it took; absent when the statement failed.
  void asked(std::optional<std::chrono::microseconds> cost, TimePoint now);

 private:
  std::chrono::seconds pause_{0};
  TimePoint next_{};
};

}  // namespace pghang
