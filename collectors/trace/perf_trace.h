#pragma once

#include "collectors/evidence/identity.h"
#include "collectors/evidence/syscall_trace.h"
#include "collectors/process/procfs.h"
#include "collectors/trace/trace_limits.h"
#include "config/result.h"

namespace pghang {

/// The system calls of a process's main thread by the kernel's tracepoints raw_syscalls:sys_enter
/// and sys_exit (perf_event_open(2)). The process is never stopped and no call is broken off; our
/// end closes the events. Needs tracefs, and CAP_PERFMON or a perf_event_paranoid of 1 or less.
/// Errors: not_found (no tracefs, or the process has ended), permission_denied, unsupported,
/// identity_changed, io.
[[nodiscard]] Result<SyscallTrace>
trace_by_perf(const ProcFs& proc, ProcessKey key, const TraceLimits& limits);

}  // namespace pghang
