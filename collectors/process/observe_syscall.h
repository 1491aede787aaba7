#pragma once

#include "collectors/evidence/capture.h"
#include "collectors/process/procfs.h"

namespace pghang {

/// Fills capture.syscall with the call, its descriptor (or the path it blocks on) and, with
/// `peers`, who is at the other end of a pipe, FIFO or TCP connection. Reads capture.wchan. What
/// could not be had goes to capture.missing.
void observe_syscall(const ProcFs& proc, pid_t pid, bool peers, Capture& capture);

}  // namespace pghang
