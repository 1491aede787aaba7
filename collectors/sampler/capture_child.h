#pragma once

#include "collectors/process/procfs.h"
#include "collectors/sampler/capture_report.h"
#include "collectors/stack/module_cache.h"
#include "collectors/stack/stack_capture.h"

namespace pghang::sampler {

/// Does a task: the only code that touches a target. Every step of it can block, so it runs in a
/// process of its own, which the worker ends at its budget (protocol.h). `modules` is the worker's
/// cache as it was at the fork; it is only read.
///
/// Stacks: each sample of a process that does not run gets one `in_place`. A running one is stopped
/// at most once per capture, for the last sample; its other samples have none.
[[nodiscard]] ChildReport run_task(
    const ChildTask& asked,
    const ProcFs& proc,
    const ModuleCache& modules,
    const CapturePointListener& listener
);

}  // namespace pghang::sampler
