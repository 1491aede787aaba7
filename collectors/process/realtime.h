#pragma once

#include <sched.h>

#include <cerrno>

namespace pghang {

/// SCHED_FIFO while it lives: whoever holds a target stopped must not wait for a CPU.
class Realtime {
 public:
  Realtime() {
    const sched_param lowest{.sched_priority = 1};
    if (::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest) != 0) error_ = errno;
  }

  Realtime(const Realtime&) = delete;
  Realtime& operator=(const Realtime&) = delete;

  ~Realtime() {
    const sched_param none{};
    if (error_ == 0) ::sched_setscheduler(0, SCHED_OTHER, &none);
  }

  /// errno, where it may not be; 0 where it is.
  [[nodiscard]] int error() const { return error_; }

 private:
  int error_ = 0;
};

}  // namespace pghang
