#pragma once

#include "collectors/process/procfs.h"
#include "collectors/sampler/capture_report.h"
#include "collectors/sampler/interrupt_variables.h"
#include "collectors/sampler/mappings_memo.h"
#include "collectors/stack/module_cache.h"
#include "collectors/stack/stack_capture.h"

namespace pghang::sampler {

/// Does a task: the only code that touches a target. Every step of it can block, so it runs in a
/// process of its own, which the worker ends at its budget (protocol.h). `modules`,
/// `symbols` and `memo` are the worker's caches as they were at the fork; what the child takes out
/// of the memo is the child's own.
///
/// Stacks: each sample of a process that does not run gets one `in_place`. A running one is stopped
/// for the last max_stops of its samples, once for each; earlier ones have none. Only several
/// stacks tell where a loop goes, and a hold is short: 5 stops of a PL/Python loop took 0.51 ms in
/// all on two cores with a load of 20. A stop that does not come in time is the last one.
[[nodiscard]] ChildReport run_task(
    const ChildTask& asked,
    const ProcFs& proc,
    const ModuleCache& modules,
    const VariableSymbols& symbols,
    MappingsMemo& memo,
    const CapturePointListener& listener
);

}  // namespace pghang::sampler
