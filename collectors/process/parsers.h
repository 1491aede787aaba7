#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/evidence/process.h"
#include "config/result.h"

/// Pure parsers of /proc's texts (proc(5), Documentation/filesystems/proc.rst). They take foreign
/// bytes: anything that does not parse is `malformed`, never a guess.
namespace pghang {

/// /proc/PID/stat. comm may hold spaces and parentheses: the fields after it are found from the
/// last `)`.
struct ProcStat {
  std::string comm;
  ProcessState state = ProcessState::unknown;
  pid_t ppid = 0;
  std::uint64_t start_ticks = 0;  ///< field 22
  bool kernel_thread = false;     ///< PF_KTHREAD in field 9
  int processor = -1;             ///< CPU it ran on last, field 39; -1: not told
  pid_t process_group = 0;        ///< field 5
};

[[nodiscard]] Result<ProcStat> parse_stat(std::string_view text);

/// /proc/PID/status.
struct ProcStatus {
  ProcessState state = ProcessState::unknown;
  pid_t tracer_pid = 0;
  pid_t ns_pid = 0;         ///< innermost of NSpid
  unsigned pid_levels = 1;  ///< how many NSpid has: nested pid namespaces, from the reader's on
  std::uint32_t uid = 0;    ///< effective
  SignalSets signals;
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
  std::uint64_t effective_capabilities = 0;  ///< CapEff
};

[[nodiscard]] Result<ProcStatus> parse_status(std::string_view text);

/// One line of /proc/PID/maps. `path` is without ` (deleted)`.
struct Mapping {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;
  std::uint32_t device = 0;  ///< major << 20 | minor, only compared
  std::uint64_t inode = 0;
  bool readable = false;
  bool executable = false;
  bool writable = false;
  bool deleted = false;
  std::string path;  ///< empty for anonymous memory; `[stack]`, `[vdso]`, ...

  [[nodiscard]] bool contains(std::uint64_t address) const {
    return start <= address && address < end;
  }

  friend bool operator==(const Mapping&, const Mapping&) = default;
};

[[nodiscard]] Result<std::vector<Mapping>> parse_maps(std::string_view text);

/// /proc/PID/syscall: `running`, `-1 SP PC` (blocked outside a system call), or number, arguments,
/// SP, PC.
struct SyscallLine {
  bool running = false;
  long number = -1;
  std::array<std::uint64_t, 6> args{};
  std::uint64_t sp = 0;
  std::uint64_t pc = 0;

  friend bool operator==(const SyscallLine&, const SyscallLine&) = default;
};

[[nodiscard]] Result<SyscallLine> parse_syscall(std::string_view text);
[[nodiscard]] Result<IoCounters> parse_io(std::string_view text);
/// First field of schedstat: time on CPU, nanoseconds.
[[nodiscard]] Result<std::uint64_t> parse_schedstat(std::string_view text);
/// `[<0>] name+0x1/0x2` lines, without the address column.
[[nodiscard]] std::vector<std::string> parse_kernel_stack(std::string_view text);
/// cmdline: NULs become spaces, trailing ones go.
[[nodiscard]] std::string parse_cmdline(std::string_view bytes);
/// `btime` of /proc/stat, seconds since the unix epoch.
[[nodiscard]] Result<std::int64_t> parse_btime(std::string_view text);

/// The path of the v1 `freezer` controller and of the v2 hierarchy in /proc/PID/cgroup.
struct CgroupPaths {
  std::optional<std::string> freezer_v1;
  std::optional<std::string> unified;
};

[[nodiscard]] CgroupPaths parse_cgroup(std::string_view text);

/// A file lock, or a wait for one: a line of /proc/locks, or what follows `lock:` in fdinfo
/// (fs/locks.c, lock_get_status()). Device and inode are those of the file.
struct FileLock {
  unsigned depth = 0;  ///< 0: held; a wait stands below what it waits for, one deeper
  std::string type;    ///< `FLOCK`, `POSIX`, `OFDLCK`, `LEASE`, ...
  bool write = false;
  pid_t pid = 0;  ///< in the reader's pid namespace; -1: of an open file description
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t inode = 0;
  std::uint64_t start = 0;
  std::optional<std::uint64_t> end;  ///< last byte; absent: to the end of the file

  friend bool operator==(const FileLock&, const FileLock&) = default;
};

[[nodiscard]] Result<std::vector<FileLock>> parse_locks(std::string_view text);

/// A member of an eventpoll (fs/eventpoll.c, ep_show_fdinfo()).
struct EpollMember {
  int number = -1;           ///< that it was added by; may have been closed since
  std::uint32_t events = 0;  ///< EPOLLIN, ...; EPOLLERR and EPOLLHUP always
  std::uint64_t inode = 0;   ///< 0 where an older kernel does not tell
};

/// A timerfd (fs/timerfd.c, timerfd_show()).
struct TimerInfo {
  int clock = 0;            ///< CLOCK_REALTIME, ...
  std::uint64_t ticks = 0;  ///< expirations not read yet
  std::uint64_t remaining_nanos = 0;
  std::uint64_t interval_nanos = 0;  ///< 0: once

  friend bool operator==(const TimerInfo&, const TimerInfo&) = default;
};

/// The rings of an io_uring (io_uring/fdinfo.c); free-running counters.
struct RingInfo {
  std::uint32_t submission_head = 0;
  std::uint32_t submission_tail = 0;
  std::uint32_t completion_head = 0;
  std::uint32_t completion_tail = 0;

  friend bool operator==(const RingInfo&, const RingInfo&) = default;
};

/// /proc/PID/fdinfo/N: what every file has, and what its kind adds.
struct FdInfo {
  std::uint64_t position = 0;
  std::uint32_t flags = 0;  ///< octal there
  int mount_id = 0;
  std::optional<std::uint64_t> inode;  ///< Linux 5.14 and later
  std::vector<FileLock> locks;         ///< that this open file description or its process holds
  std::vector<EpollMember> members;
  std::optional<std::uint64_t> signal_mask;  ///< of a signalfd; bit n-1 stands for signal n
  std::optional<std::uint64_t> event_count;  ///< of an eventfd
  std::optional<TimerInfo> timer;
  std::optional<RingInfo> ring;
  std::optional<pid_t> pid;                      ///< of a pidfd; -1: that process is gone
  std::optional<std::uint32_t> fuse_connection;  ///< of /dev/fuse; Linux 6.16 and later
  std::uint32_t watches = 0;                     ///< of an inotify
};

[[nodiscard]] Result<FdInfo> parse_fdinfo(std::string_view text);

/// One line of /proc/PID/mountinfo; octal escapes are decoded.
struct Mount {
  int id = 0;
  std::string root;  ///< the directory of the file system that is mounted, `/` for all of it
  std::string mount_point;
  std::string fs_type;
  std::string source;
  std::string super_options;       ///< names the controllers of a v1 cgroup hierarchy
  std::uint32_t device_major = 0;  ///< of the file system; 0 where it lies on no device
  std::uint32_t device_minor = 0;
};

[[nodiscard]] std::vector<Mount> parse_mountinfo(std::string_view text);

/// One line of /proc/PID/net/{tcp,tcp6,udp,udp6}; addresses as `10.0.0.9:5432`, `[::1]:5432`.
struct InetSocket {
  std::string local;
  std::string remote;
  std::string inode;
  std::uint32_t state = 0;          ///< TCP_ESTABLISHED, ... (include/net/tcp_states.h)
  std::uint64_t send_queue = 0;     ///< bytes; of a listening socket 0
  std::uint64_t receive_queue = 0;  ///< bytes; of a listening socket connections to be accepted
};

/// Nothing for a line that does not parse, the table's heading for one.
[[nodiscard]] std::optional<InetSocket> parse_inet_socket(std::string_view line);

/// One line of /proc/PID/net/unix.
struct UnixSocket {
  std::string inode;
  bool listens = false;
  std::string path;  ///< `@` first for an abstract name; empty for a socket without a name
};

[[nodiscard]] std::optional<UnixSocket> parse_unix_socket(std::string_view line);

}  // namespace pghang
