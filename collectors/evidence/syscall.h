#pragma once

#include <cstddef>
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
  other,
  io_uring,
  inotify,
  memfd
};

[[nodiscard]] const char* to_string(FdKind kind);

/// What waits in a socket's two queues, in bytes; of a listening socket, connections: those not
/// accepted yet, and how many may wait.
struct SocketQueues {
  std::uint64_t receive = 0;
  std::uint64_t send = 0;

  friend bool operator==(const SocketQueues&, const SocketQueues&) = default;
};

/// One descriptor of the target.
struct FdTarget {
  int number = -1;
  FdKind kind = FdKind::other;
  std::string target;   ///< text of /proc/PID/fd/N, without ` (deleted)`
  std::string mount;    ///< mount point, for files
  std::string fs_type;  ///< for files
  std::string device;   ///< mount source, for files
  bool deleted = false;
  /// Who holds the other end; of a call that waits for a file lock, who holds that.
  std::vector<RelatedProcess> peers;
  /// `write end` of a pipe, `SIGURG` of a signalfd, `count 0` of an eventfd, ...; from fdinfo
  std::string detail;
  std::string events;        ///< `EPOLLIN|EPOLLRDHUP`: what a wait for several waits for here
  std::string block_device;  ///< `/dev/loop3`: under the file system; empty where it has none
  std::string backing;       ///< what that lies on: `/srv/image`, `/dev/vda2`; empty for a disk
  /// Who answers for the file system: a FUSE daemon, or an NFS server (pid 0, its address).
  std::vector<RelatedProcess> servers;
  bool servers_certain = false;       ///< false: it may be one of them (they hold /dev/fuse)
  std::uint32_t fuse_connection = 0;  ///< its number in /sys/fs/fuse/connections; 0: no FUSE
  std::string protocol;               ///< of a socket: `tcp`, `udp`, `unix`; empty where unknown
  std::string local;   ///< `127.0.0.1:5432`, `[::1]:5432`, `/run/.s.PGSQL.5432`, `@name`
  std::string remote;  ///< the same of the other end; empty where it has none
  std::string state;   ///< `ESTABLISHED`, `LISTEN`, ..., or why that is not known
  std::optional<SocketQueues> queues;
  std::string lock;  ///< the file lock that is in the way: `FLOCK WRITE`, `POSIX WRITE 0-EOF`

  friend bool operator==(const FdTarget&, const FdTarget&) = default;
};

inline constexpr std::size_t kMaxMembers = 32;

/// Every sample of the capture saw the same call, and no context switch between them.
inline constexpr const char* kFromSamples = "samples";
/// There was no context switch since an earlier capture, which saw the same call.
inline constexpr const char* kFromCounters = "switch_counters";

/// The system call a process waits in, from /proc/PID/syscall.
struct Syscall {
  long number = -1;
  std::string name;               ///< `syscall_462` when the table does not know it
  std::vector<std::string> args;  ///< each as strace prints it
  std::string text;               ///< `openat(AT_FDCWD, "/x/fifo", O_RDONLY)`
  std::string path;               ///< first path argument, when it has one and it was readable
  double at_least_seconds = 0;    ///< lower bound of the time in it, from the samples seen
  std::optional<FdTarget> fd;     ///< what its descriptor argument is
  /// What at_least_seconds is known from: kFromSamples, kFromCounters. Empty where it is 0.
  std::string at_least_source;
  /// Each descriptor that it waits for where those are several: the members of its eventpoll, or
  /// the list of poll() and the sets of select(). No more than kMaxMembers.
  std::vector<FdTarget> members;
  std::uint32_t members_left_out = 0;

  friend bool operator==(const Syscall&, const Syscall&) = default;
};

}  // namespace pghang
