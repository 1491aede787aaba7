#pragma once

#include <sched.h>
#include <sys/types.h>

#include "collectors/process/procfs.h"

namespace pghang {

/// The CPU that a process ran on last; -1 when that cannot be told.
[[nodiscard]] int processor_of(const ProcFs& proc, pid_t pid);

/// While it lives, this thread is SCHED_FIFO and stays off one CPU, where there is another; so are
/// the threads that it starts. Whoever holds a target stopped must not wait for a CPU, and whoever
/// waits for a target to stop must not keep it from the CPU that it runs on.
class Realtime {
 public:
  explicit Realtime(int avoided_cpu = -1);
  Realtime(const Realtime&) = delete;
  Realtime& operator=(const Realtime&) = delete;
  ~Realtime();

  /// errno of sched_setscheduler(2); 0 when it is so.
  [[nodiscard]] int error() const { return error_; }

 private:
  int error_ = 0;
  bool moved_ = false;
  cpu_set_t before_{};
};

}  // namespace pghang
