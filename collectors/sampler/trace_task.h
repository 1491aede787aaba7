#pragma once

#include <optional>

#include "collectors/evidence/syscall_trace.h"
#include "collectors/process/procfs.h"
#include "collectors/sampler/protocol.h"
#include "collectors/trace/trace_limits.h"

/// What a capture child does for a trace.
namespace pghang::sampler {

/// What it found. Wire format of the pipe to the worker: an aggregate of values only.
struct TraceReport {
  std::optional<CaptureFailure> failure;  ///< then nothing else is meaningful
  SyscallTrace trace;
};

/// Traces, under the name pghangd-trace. The end of the process that called this lets the target
/// go.
[[nodiscard]] TraceReport
run_trace(const TraceRequest& request, const ProcFs& proc, const TracePointListener& listener);

/// Fills state_after and tracer_after, once the tracer has ended. `failure`: it is no more.
[[nodiscard]] TraceReport look_after_trace(const TraceRequest& request, const ProcFs& proc);

}  // namespace pghang::sampler
