#pragma once

#include "collectors/process/procfs.h"
#include "collectors/sampler/protocol.h"
#include "config/result.h"

namespace pghang::sampler {

/// Sends SIGINT or SIGTERM to the process group of a backend, as PostgreSQL does. Never another
/// signal, never to a postmaster, and to nobody unless all of this holds:
///
/// - the process started at `process.start_ticks`, is no zombie, and leads its process group;
/// - its parent is `postmaster`, which started at `postmaster.start_ticks`.
///
/// Both are read while a pidfd of the process is held. From Linux 6.9 the signal goes through that
/// (PIDFD_SIGNAL_PROCESS_GROUP), which no reuse of the pid can mislead. Else by kill(-pid), with
/// the pidfd asked just before and after it: a process that has not ended still owns its pid.
///
/// It does not sleep on anything of the target (protocol.h), so the keeper may call it. Errors:
/// not_found (ended), identity_changed (another process, another parent), permission_denied (it
/// needs CAP_KILL), refused (a signal or a process that is never signalled), io.
[[nodiscard]] Result<void> signal_process(
    const ProcFs& proc,
    const SignalRequest& request,
    bool by_pidfd = true  ///< false: as before Linux 6.9
);

}  // namespace pghang::sampler
