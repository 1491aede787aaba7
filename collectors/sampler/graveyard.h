#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace pghang::sampler {

/// Children of the keeper that were sent SIGKILL and have not been reaped yet. Only ever holds
/// children not yet waited for, so none of its pids can belong to somebody else.
class Graveyard {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Graveyard(std::chrono::milliseconds grace) : grace_(grace) {}

  /// Sends SIGKILL to `pid`. `capture_child` is the last one it told of, or 0: it becomes the
  /// keeper's when `pid` is gone.
  void kill(pid_t pid, pid_t capture_child, Clock::time_point now);

  /// `pid` was reaped. Returns the capture child that it leaves behind, or 0.
  pid_t reaped(pid_t pid);

  [[nodiscard]] bool holds(pid_t pid) const;

  [[nodiscard]] std::size_t size() const { return dying_.size(); }

  /// Those that the grace did not suffice for.
  [[nodiscard]] std::uint32_t abandoned(Clock::time_point now) const;

 private:
  struct Dying {
    pid_t pid = 0;
    pid_t capture_child = 0;
    Clock::time_point killed_at;
  };

  std::chrono::milliseconds grace_;
  std::vector<Dying> dying_;
};

}  // namespace pghang::sampler
