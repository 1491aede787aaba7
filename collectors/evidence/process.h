#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/identity.h"

namespace pghang {

/// The letter of /proc/PID/stat, field 3 (proc(5)).
enum class ProcessState : char {
  running = 'R',
  sleeping = 'S',
  uninterruptible = 'D',  ///< waits in the kernel where no signal reaches it
  stopped = 'T',
  traced = 't',
  zombie = 'Z',
  dead = 'X',
  idle = 'I',  ///< a kernel thread at rest
  unknown = '?',
};

/// Bit n-1 stands for signal n, as in /proc/PID/status.
struct SignalSets {
  std::uint64_t pending_thread = 0;   ///< SigPnd
  std::uint64_t pending_process = 0;  ///< ShdPnd
  std::uint64_t blocked = 0;          ///< SigBlk
  std::uint64_t ignored = 0;          ///< SigIgn
  std::uint64_t caught = 0;           ///< SigCgt

  friend bool operator==(const SignalSets&, const SignalSets&) = default;
};

[[nodiscard]] constexpr bool has_signal(std::uint64_t set, int signal) {
  return (set >> static_cast<unsigned>(signal - 1) & 1U) != 0;
}

[[nodiscard]] constexpr bool is_pending(const SignalSets& sets, int signal) {
  return has_signal(sets.pending_thread | sets.pending_process, signal);
}

/// /proc/PID/io.
struct IoCounters {
  std::uint64_t rchar = 0;
  std::uint64_t wchar = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t write_bytes = 0;

  friend bool operator==(const IoCounters&, const IoCounters&) = default;
};

/// Another process that matters to this one: tracer, child, peer of a pipe.
struct RelatedProcess {
  pid_t pid = 0;
  std::string comm;
  ProcessState state = ProcessState::unknown;
  std::string address;                ///< for sockets; else empty
  std::uint64_t ignored_signals = 0;  ///< SigIgn, of children; else 0
  /// Its pid in the pid namespace of the process that it matters to; 0 where it is not in there.
  pid_t ns_pid = 0;

  friend bool operator==(const RelatedProcess&, const RelatedProcess&) = default;
};

/// /proc/PID/oom_score and oom_score_adj: whom the kernel ends first when memory runs out.
struct OomScore {
  std::int32_t score = 0;       ///< 0 to 2000, the highest of all goes first
  std::int32_t adjustment = 0;  ///< -1000 (never) to 1000

  friend bool operator==(const OomScore&, const OomScore&) = default;
};

/// PostgreSQL's interrupt variables, read from the process's memory. Absent: the server's version
/// has no such symbol, or it could not be read (then `Capture::missing` says why).
struct InterruptFlags {
  std::optional<std::int64_t> interrupt_pending;
  std::optional<std::int64_t> query_cancel_pending;
  std::optional<std::int64_t> proc_die_pending;
  std::optional<std::int64_t> interrupt_holdoff_count;
  std::optional<std::int64_t> query_cancel_holdoff_count;
  std::optional<std::int64_t> crit_section_count;
  std::optional<std::int64_t> proc_exit_inprogress;
  std::optional<std::int64_t> client_auth_in_progress;
  std::optional<std::int64_t> shutdown_request_pending;
  std::optional<std::int64_t> my_backend_type;   ///< enum BackendType, 13 and later
  std::optional<std::uint32_t> wait_event_info;  ///< *my_wait_event_info, 14 and later
  std::optional<std::int64_t> postmaster_pid;    ///< in the server's pid namespace

  friend bool operator==(const InterruptFlags&, const InterruptFlags&) = default;
};

/// What a process looked like at one moment. A capture holds several.
struct Sample {
  std::int64_t at_micros = 0;  ///< CLOCK_MONOTONIC
  ProcessState state = ProcessState::unknown;
  bool frozen = false;  ///< its cgroup is frozen (v1 or v2)
  pid_t tracer_pid = 0;
  SignalSets signals;
  std::uint64_t cpu_nanos = 0;  ///< /proc/PID/schedstat, first field
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
  std::optional<IoCounters> io;
  InterruptFlags flags;
  std::uint64_t stack_id = 0;  ///< equal for equal stacks within one capture; 0: no stack taken
  double held_micros = 0;      ///< time the process was held stopped for this sample's stack

  friend bool operator==(const Sample&, const Sample&) = default;
};

}  // namespace pghang
