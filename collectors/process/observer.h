#pragma once

#include <optional>

#include "collectors/evidence/capture.h"
#include "collectors/process/interrupt_flags.h"
#include "collectors/process/procfs.h"

namespace pghang {

/// Reads one Sample of a process: state, masks, counters, cgroup freezer, flags (when `variables`
/// is not empty). What could not be read is added to `missing` once per kind. Errors: not_found
/// when the process is gone; anything less is a Sample with something missing.
[[nodiscard]] Result<Sample> observe_sample(
    const ProcFs& proc,
    pid_t pid,
    const VariableAddresses& variables,
    std::vector<Missing>& missing
);

/// Fills the parts of `capture` that need one look: comm, title, ppid, ns_pid, wchan, tracer,
/// children, kernel stack, OOM score, syscall with its descriptor. Adds to capture.missing what
/// could not be had and what it needs.
[[nodiscard]] Result<void>
observe_process(const ProcFs& proc, pid_t pid, bool peers, Capture& capture);

/// Nothing where one of the two cannot be read.
[[nodiscard]] std::optional<OomScore> read_oom_score(const ProcFs& proc, pid_t pid);

/// Start of the process, unix epoch in microseconds, from start_ticks and btime. Resolution: 10 ms,
/// offset up to 1 s (btime is in seconds).
[[nodiscard]] Result<std::int64_t> started_at_micros(const ProcFs& proc, std::uint64_t start_ticks);

}  // namespace pghang
