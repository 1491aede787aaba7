#include "collectors/sampler/trace_task.h"

#include <time.h>  // NOLINT(modernize-deprecated-headers): nanosleep(2) is POSIX, not <ctime>

#include "collectors/process/check_process.h"
#include "collectors/sampler/helper_process.h"
#include "collectors/trace/trace_process.h"

namespace pghang::sampler {
namespace {

/// One that was let go shows `t`, then R, until it is next scheduled: in its group stop, or
/// running.
constexpr int kLooks = 200;
constexpr int kLooksThatSayItRuns = 50;
constexpr long kBetweenLooksNanos = 1'000'000;

TraceReport failed(const Error& error) {
  TraceReport report;
  report.failure = CaptureFailure{error.code, error.context};
  return report;
}

Result<ProcStatus> look(const ProcFs& proc, ProcessKey key) {
  if (const auto same = check_identity(proc, key); !same) return same.error();
  const auto text = proc.read(key.pid, "status");
  if (!text) return text.error();
  return parse_status(*text);
}

}  // namespace

TraceReport
run_trace(const TraceRequest& request, const ProcFs& proc, const TracePointListener& listener) {
  set_process_name("pghangd-trace");
  const TraceLimits limits{
      .duration = std::chrono::milliseconds(request.duration_ms),
      .max_stops = request.max_stops,
      .max_held_share = request.max_held_share};
  auto trace = trace_process(
      proc,
      {request.pid, request.start_ticks},
      limits,
      {.perf = request.allow_perf, .ptrace = request.allow_ptrace},
      listener
  );
  if (!trace) return failed(trace.error());
  return {.failure = {}, .trace = *std::move(trace)};
}

TraceReport look_after_trace(const TraceRequest& request, const ProcFs& proc) {
  TraceReport report;
  int running = 0;
  for (int i = 0; i < kLooks; ++i) {
    const auto status = look(proc, {request.pid, request.start_ticks});
    if (!status) return failed(status.error());
    report.trace.state_after = status->state;
    report.trace.tracer_after = status->tracer_pid;
    if (status->state == ProcessState::running && ++running == kLooksThatSayItRuns) break;
    if (status->state != ProcessState::traced && status->state != ProcessState::running) break;
    const timespec pause{0, kBetweenLooksNanos};
    ::nanosleep(&pause, nullptr);
  }
  return report;
}

}  // namespace pghang::sampler
