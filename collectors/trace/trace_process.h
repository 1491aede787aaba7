#pragma once

#include "collectors/evidence/identity.h"
#include "collectors/evidence/syscall_trace.h"
#include "collectors/process/procfs.h"
#include "collectors/trace/trace_limits.h"
#include "config/result.h"

namespace pghang {

/// Which of the two ways may be taken.
struct TraceWays {
  bool perf = true;
  bool ptrace = true;
};

/// The system calls of a process's main thread: by perf, which stops nothing, else by ptrace. A
/// process in D, T, t or Z, a frozen one and a kernel thread are refused: they make no calls, and
/// are not to be touched. state_after and tracer_after are left to a look from outside, for only
/// the caller's exit surely lets go. Errors: refused, and those of both ways.
[[nodiscard]] Result<SyscallTrace> trace_process(
    const ProcFs& proc,
    ProcessKey key,
    const TraceLimits& limits,
    TraceWays ways,
    const TracePointListener& listener
);

}  // namespace pghang
