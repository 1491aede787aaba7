#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/process/parsers.h"

namespace pghang {

/// A file as /proc/locks names it.
struct LockedFile {
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t inode = 0;
};

/// The locks in the way of a process that waits for one, held and not waited for: those that
/// conflict with its wait; else the one it is queued behind. Its wait is the one with its pid, or,
/// where it has none there, one of an open file description (pid -1) on the same file. Without
/// `file` (fdinfo tells no inode before Linux 5.14) only the pid tells. Empty where it waits for
/// none.
[[nodiscard]] std::vector<FileLock> locks_in_the_way(
    const std::vector<FileLock>& locks,
    pid_t waiter,
    const std::optional<LockedFile>& file
);

/// Equal but for who holds it and whether it is waited for.
[[nodiscard]] bool same_lock(const FileLock& one, const FileLock& other);

/// `FLOCK WRITE`, `POSIX WRITE 0-99`, `OFDLCK READ 100-EOF`.
[[nodiscard]] std::string lock_text(const FileLock& lock);

}  // namespace pghang
