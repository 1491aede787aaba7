#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "collectors/evidence/syscall_trace.h"

namespace pghang {

/// Counts the system calls of one thread as its entries and exits are told, in time order. Times
/// are CLOCK_MONOTONIC, nanoseconds.
class SyscallTally {
 public:
  /// An entry whose exit was missed is forgotten with the next one. restart_syscall(2) is counted
  /// as the call that it goes on with.
  void enter(long number, std::int64_t at);

  /// A stop has broken off this call: restart_syscall stands for it from now on.
  void broken_off(long number) { restarted_ = number; }

  /// `result` as the kernel returns it: -errno for an error. An exit without an entry (it was in
  /// the call before, or the entry was lost) counts for nothing.
  void exit(std::int64_t result, std::int64_t at);

  /// The call that it is in.
  [[nodiscard]] std::optional<long> current() const;

  /// Fills `calls`, and `unfinished` when it is in a call at `at`.
  void write(std::int64_t at, SyscallTrace& trace) const;

 private:
  struct Count {
    std::uint64_t calls = 0;
    std::int64_t nanos = 0;
    std::int64_t longest = 0;
    std::map<int, std::uint64_t> errors;
  };

  struct Current {
    long number = 0;
    std::int64_t since = 0;
  };

  std::map<long, Count> counts_;
  std::optional<Current> current_;
  std::optional<long> restarted_;
};

}  // namespace pghang
