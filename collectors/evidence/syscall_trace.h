#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/process.h"

/// What `diagnose --trace` brings: the system calls that a process made within a short time.
namespace pghang {

/// How the calls were seen. The spelling is part of the JSON contract.
enum class TraceMethod {
  perf,    ///< by the kernel's tracepoints (perf_event_open(2)): the process was never stopped
  ptrace,  ///< it was stopped at the entry and the exit of each of its calls
};

[[nodiscard]] const char* to_string(TraceMethod method);

/// What ended a trace. The spelling is part of the JSON contract.
enum class TraceEnd {
  duration,  ///< the time asked for was over
  stops,     ///< the process had been stopped as often as it may be
  held,      ///< the process had been held stopped for as long as it may be
  exec,      ///< it became another program
  exited,    ///< it ended
};

[[nodiscard]] const char* to_string(TraceEnd end);

/// How often calls of one kind failed with one error.
struct TracedError {
  std::string name;  ///< `EAGAIN`; `ERESTARTSYS` and its like: a signal came, the call is restarted
  std::uint64_t count = 0;

  friend bool operator==(const TracedError&, const TracedError&) = default;
};

/// All calls of one kind that returned within the trace.
struct TracedCall {
  long number = -1;
  std::string name;
  std::uint64_t calls = 0;
  /// Entry to exit, together: time waited in the call counts, and with ptrace so does the way of
  /// each stop to the tracer. A call under way when the trace began counts from there.
  double micros = 0;
  double longest_micros = 0;
  std::vector<TracedError> errors;  ///< most frequent first

  friend bool operator==(const TracedCall&, const TracedCall&) = default;
};

/// The call that had not returned when the trace ended.
struct UnfinishedCall {
  long number = -1;
  std::string name;
  double seconds = 0;  ///< of the trace spent in it

  friend bool operator==(const UnfinishedCall&, const UnfinishedCall&) = default;
};

/// The calls of one thread, and what seeing them cost its process.
struct SyscallTrace {
  TraceMethod method = TraceMethod::ptrace;
  double asked_seconds = 0;
  double seconds = 0;  ///< how long it lasted
  TraceEnd end = TraceEnd::duration;
  std::vector<TracedCall> calls;  ///< most time first
  std::optional<UnfinishedCall> unfinished;

  std::string no_perf;  ///< why it had to be stopped: what kept the tracepoints from being used
  std::uint64_t stops = 0;
  /// From when a stop was seen to when the process could go on; the way of a stop to a tracer that
  /// sleeps is not in it.
  double held_micros = 0;
  double longest_held_micros = 0;
  std::string interrupted;    ///< the call that the first stop broke off, by name; empty: none
  std::uint64_t signals = 0;  ///< that came meanwhile, each passed on (ptrace only)
  std::uint32_t threads = 1;  ///< of the process; only its main thread is traced
  std::uint64_t lost = 0;     ///< entries and exits that came too fast to be kept (perf only)

  /// Read back after the tracer was gone.
  ProcessState state_after = ProcessState::unknown;
  pid_t tracer_after = 0;

  friend bool operator==(const SyscallTrace&, const SyscallTrace&) = default;
};

}  // namespace pghang
