#pragma once

#include "collectors/evidence/syscall.h"
#include "collectors/process/procfs.h"

namespace pghang {

/// What descriptor `number` of `pid` is: from the link's text, fdinfo and mountinfo only. With
/// `peers`, who else holds a pipe's or FIFO's inode (over /proc/*/fd; processes that may not be
/// looked at are skipped).
[[nodiscard]] Result<FdTarget> describe_fd(const ProcFs& proc, pid_t pid, int number, bool peers);

}  // namespace pghang
