#pragma once

#include "collectors/evidence/identity.h"
#include "collectors/evidence/syscall_trace.h"
#include "collectors/process/procfs.h"
#include "collectors/trace/trace_limits.h"
#include "config/result.h"

namespace pghang {

/// The system calls of a process's main thread by PTRACE_SEIZE and PTRACE_SYSCALL: it is stopped at
/// the entry and the exit of each call. The first stop, by PTRACE_INTERRUPT, breaks off the call
/// that it waits in: epoll_wait and semop return EINTR, the others are restarted. That is why only
/// a person may ask for it.
///
/// Signals that come meanwhile are passed on; a group stop stays one (PTRACE_LISTEN). Stops are
/// looked at without being consumed (WNOWAIT), so that a signal survives the tracer's death in its
/// delivery-stop: what the kernel would deliver is still there.
///
/// The caller runs SCHED_FIFO where it may, and has made sure that the process may be stopped. It
/// is traced by a thread of its own: a process that does not stop by itself at the end is detached
/// by the end of that thread, which, unlike another PTRACE_INTERRUPT, breaks off no call. SIGCHLD
/// is blocked from here on. Errors: timeout (it did not stop), not_found, permission_denied,
/// identity_changed, io.
[[nodiscard]] Result<SyscallTrace> trace_by_ptrace(
    const ProcFs& proc,
    ProcessKey key,
    const TraceLimits& limits,
    const TracePointListener& listener
);

}  // namespace pghang
