#pragma once

#include "collectors/sampler/capture_report.h"
#include "collectors/stack/module_cache.h"

namespace pghang::sampler {

/// Makes the Capture of a report: unwinds its stacks, numbers those of the samples by their frames'
/// addresses (equal stacks, equal stack_id), and takes the last sample's as the capture's. Leaves
/// the report its stacks and mappings.
[[nodiscard]] Capture
build_capture(ChildReport& report, const CaptureRequest& request, const ModuleSource& modules);

/// The stack of the last sample; null when it has none.
[[nodiscard]] const StackSnapshot* last_stack(const ChildReport& report);

/// Whether one stop could tell more than the capture has: a process asleep whose stack in_place
/// could not follow for want of a register, and that was not stopped for this capture before. What
/// else ends a walk (JIT code, a missing file) a stop does not cure.
[[nodiscard]] bool
worth_stopping(const Capture& capture, const CaptureRequest& request, bool stopped_before);

/// Takes the stack of a stop_only report when it is better than the one there is; false when it is
/// not.
[[nodiscard]] bool take_better_stack(
    Capture& capture,
    ChildReport& stop,
    const CaptureRequest& request,
    const ModuleSource& modules
);

/// Whether what it waits for may be another process of its cluster to give: it sleeps with
/// interrupts held (an LWLock, its parallel workers), waits for an LWLock, a buffer pin or a
/// barrier, writes to the log pipe, or is a walsender, whose shutdown the whole server waits for.
/// False for every ordinary wait.
[[nodiscard]] bool worth_surveying(const Capture& capture);

/// Takes what a survey report found. One that failed leaves its reason in `missing`.
void take_survey(Capture& capture, Result<ChildReport> survey);

/// The packet of a `captured` answer. What does not fit into kMaxMessageBytes is cut and says so:
/// long lists of processes first, then the least suspicious of the cluster, then frames from the
/// outer end of the stack.
[[nodiscard]] std::string encode_capture(std::uint64_t id, Capture capture);

}  // namespace pghang::sampler
