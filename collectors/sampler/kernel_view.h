#pragma once

#include "collectors/evidence/capture.h"
#include "collectors/process/parsers.h"
#include "collectors/process/procfs.h"

namespace pghang::sampler {

/// What observe_process() tells, as far as the kernel knows it without the target's memory: reading
/// that waits for its mmap_lock, which a process that hangs in mmap() or in a fault may hold.
/// System call arguments stay numbers, the title stays empty, other processes are not asked.
void observe_kernel_side(const ProcFs& proc, const ProcStat& stat, pid_t pid, Capture& capture);

}  // namespace pghang::sampler
