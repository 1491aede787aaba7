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

/// /proc/PID/fdinfo/N.
struct FdInfo {
  std::uint64_t position = 0;
  std::uint32_t flags = 0;  ///< octal there
  int mount_id = 0;
};

[[nodiscard]] Result<FdInfo> parse_fdinfo(std::string_view text);

/// One line of /proc/PID/mountinfo; octal escapes are decoded.
struct Mount {
  int id = 0;
  std::string root;  ///< the directory of the file system that is mounted, `/` for all of it
  std::string mount_point;
  std::string fs_type;
  std::string source;
  std::string super_options;  ///< names the controllers of a v1 cgroup hierarchy
};

[[nodiscard]] std::vector<Mount> parse_mountinfo(std::string_view text);

}  // namespace pghang
