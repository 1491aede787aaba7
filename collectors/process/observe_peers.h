#pragma once

#include "collectors/evidence/capture.h"
#include "collectors/process/procfs.h"

namespace pghang {

/// Says of capture.syscall's descriptor and members who is at the other end: of pipes, FIFOs and
/// sockets, of a path that an open() waits for, of a pidfd; who answers for a FUSE file system; and
/// with `file_lock` who holds the lock that the call waits for. One pass over /proc/*/fd, within
/// kPeerScanBudget. What could not be looked at goes to capture.missing as `peers`.
void observe_peers(const ProcFs& proc, pid_t pid, bool file_lock, Capture& capture);

}  // namespace pghang
