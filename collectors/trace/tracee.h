#pragma once

#include <sys/ptrace.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace pghang {

/// What a tracee stopped for.
enum class StopKind {
  entry,       ///< of a system call
  exit,        ///< of a system call
  signal,      ///< about to be delivered
  group_stop,  ///< SIGSTOP and its like have taken effect
  trap,        ///< asked for by PTRACE_INTERRUPT, or the end of a group stop
  exec,        ///< it became another program
  ended,       ///< it is no more
};

struct TraceeStop {
  StopKind kind = StopKind::trap;
  int signal = 0;           ///< of `signal`: to be passed on
  long number = -1;         ///< of `entry`: the system call
  std::int64_t result = 0;  ///< of `exit`: as the kernel returns it
};

/// One attachment by PTRACE_SEIZE to one thread. The calls return errno, 0 for success. A tracee
/// can be let go only while it is stopped; what is not detached is by the end of this thread.
class Tracee {
 public:
  explicit Tracee(pid_t pid) : pid_(pid) {}

  [[nodiscard]] int seize() const;
  [[nodiscard]] int interrupt() const;
  /// Goes on to its next stop, with this signal delivered; 0: none.
  [[nodiscard]] int resume(int signal) const;
  /// Stays in its group stop, and is heard of when that ends.
  [[nodiscard]] int listen() const;
  [[nodiscard]] int detach(int signal) const;

  /// Sleeps until the next stop; nothing when `until` (CLOCK_MONOTONIC, nanoseconds) has passed.
  /// The stop is not consumed. SIGCHLD must be blocked.
  [[nodiscard]] std::optional<TraceeStop> wait(std::int64_t until) const;

 private:
  [[nodiscard]] TraceeStop classify(int status) const;

  pid_t pid_;
};

[[nodiscard]] std::int64_t monotonic_nanos();

}  // namespace pghang
