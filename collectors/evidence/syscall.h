#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/process.h"

namespace pghang {

/// What a descriptor is, told from the link's text and fdinfo alone: nothing is ever opened or
/// stat'ed through it (DESIGN section 2).
enum class FdKind {
  file,
  directory,
  pipe,
  fifo,
  socket,
  eventpoll,
  eventfd,
  signalfd,
  timerfd,
  pidfd,
  device,
  other
};

[[nodiscard]] const char* to_string(FdKind kind);

/// One descriptor of the target.
struct FdTarget {
  int number = -1;
  FdKind kind = FdKind::other;
  std::string target;   ///< text of /proc/PID/fd/N, without ` (deleted)`
  std::string mount;    ///< mount point, for files
  std::string fs_type;  ///< for files
  std::string device;   ///< mount source, for files
  bool deleted = false;
  std::vector<RelatedProcess> peers;  ///< who holds the other end

  friend bool operator==(const FdTarget&, const FdTarget&) = default;
};

/// The system call a process waits in, from /proc/PID/syscall.
struct Syscall {
  long number = -1;
  std::string name;               ///< `syscall_462` when the table does not know it
  std::vector<std::string> args;  ///< each as strace prints it
  std::string text;               ///< `openat(AT_FDCWD, "/x/fifo", O_RDONLY)`
  std::string path;               ///< first path argument, when it has one and it was readable
  double at_least_seconds = 0;    ///< lower bound of the time in it, from the samples seen
  std::optional<FdTarget> fd;     ///< what its descriptor argument is

  friend bool operator==(const Syscall&, const Syscall&) = default;
};

}  // namespace pghang
