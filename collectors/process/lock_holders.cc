#include "collectors/process/lock_holders.h"

#include <algorithm>
#include <limits>

namespace pghang {
namespace {

constexpr pid_t kOpenFileDescription = -1;

bool same_file(const FileLock& one, const FileLock& other) {
  return one.device_major == other.device_major && one.device_minor == other.device_minor &&
         one.inode == other.inode;
}

/// flock() does not see the locks of fcntl(), and the other way round.
bool same_family(const FileLock& one, const FileLock& other) {
  return (one.type == "FLOCK") == (other.type == "FLOCK");
}

std::uint64_t last_byte(const FileLock& lock) {
  return lock.end.value_or(std::numeric_limits<std::uint64_t>::max());
}

bool conflict(const FileLock& one, const FileLock& other) {
  return same_file(one, other) && same_family(one, other) && (one.write || other.write) &&
         one.start <= last_byte(other) && other.start <= last_byte(one);
}

bool waits_on(const FileLock& lock, pid_t waiter, const std::optional<LockedFile>& file) {
  if (lock.depth == 0 || lock.pid != waiter) return false;
  return !file || (lock.device_major == file->device_major &&
                   lock.device_minor == file->device_minor && lock.inode == file->inode);
}

}  // namespace

std::vector<FileLock> locks_in_the_way(
    const std::vector<FileLock>& locks,
    pid_t waiter,
    const std::optional<LockedFile>& file
) {
  const auto find_wait = [&](pid_t pid) {
    return std::ranges::find_if(locks, [&](const FileLock& lock) {
      return waits_on(lock, pid, file);
    });
  };
  auto wait = find_wait(waiter);
  if (wait == locks.end() && file) wait = find_wait(kOpenFileDescription);
  if (wait == locks.end()) return {};

  std::vector<FileLock> found;
  std::ranges::copy_if(locks, std::back_inserter(found), [&](const FileLock& lock) {
    // fcntl() turns a process's own lock into the one it asks for.
    const bool own = lock.type == "POSIX" && lock.pid == waiter;
    return lock.depth == 0 && !own && conflict(lock, *wait);
  });
  if (!found.empty()) return found;
  // Waits stand below what they wait for.
  while (wait != locks.begin() && wait->depth > 0)
    --wait;
  if (wait->depth == 0) found.push_back(*wait);
  return found;
}

bool same_lock(const FileLock& one, const FileLock& other) {
  return same_file(one, other) && one.type == other.type && one.write == other.write &&
         one.start == other.start && one.end == other.end;
}

std::string lock_text(const FileLock& lock) {
  std::string text = lock.type + (lock.write ? " WRITE" : " READ");
  if (lock.type == "FLOCK") return text;
  return text + ' ' + std::to_string(lock.start) + '-' +
         (lock.end ? std::to_string(*lock.end) : "EOF");
}

}  // namespace pghang
