#include "collectors/trace/trace_process.h"

#include <algorithm>
#include <string>

#include "collectors/process/check_process.h"
#include "collectors/process/realtime.h"
#include "collectors/trace/perf_trace.h"
#include "collectors/trace/ptrace_trace.h"

namespace pghang {
namespace {

constexpr double kMillisPerSecond = 1e3;

std::uint32_t count_threads(const ProcFs& proc, pid_t pid) {
  const auto threads = proc.list(pid, "task");
  return threads ? static_cast<std::uint32_t>(std::max<std::size_t>(threads->size(), 1)) : 1;
}

/// Whether another way may still work.
bool is_about_the_way(const Error& error) {
  return error.code != Errc::identity_changed;
}

std::string why_not(const Error& error) {
  return error.context + (error.code == Errc::permission_denied ? " (needs CAP_PERFMON)" : "");
}

Result<SyscallTrace> by_either(
    const ProcFs& proc,
    ProcessKey key,
    const TraceLimits& limits,
    TraceWays ways,
    const TracePointListener& listener
) {
  // With ptrace so that a hold is short, with perf so that the ring is emptied in time.
  const Realtime realtime(processor_of(proc, key.pid));
  std::string no_perf = "not asked for";
  if (ways.perf) {
    auto trace = trace_by_perf(proc, key, limits);
    if (trace || !is_about_the_way(trace.error())) return trace;
    no_perf = why_not(trace.error());
  }
  if (!ways.ptrace) {
    return Error{Errc::refused, "it may not be stopped, and without that: " + no_perf};
  }
  auto trace = trace_by_ptrace(proc, key, limits, listener);
  if (trace) trace->no_perf = no_perf;
  return trace;
}

}  // namespace

Result<SyscallTrace> trace_process(
    const ProcFs& proc,
    ProcessKey key,
    const TraceLimits& limits,
    TraceWays ways,
    const TracePointListener& listener
) {
  if (const auto fit = check_stoppable(proc, key); !fit) return fit.error();
  const std::uint32_t threads = count_threads(proc, key.pid);
  auto trace = by_either(proc, key, limits, ways, listener);
  if (!trace) return trace;
  trace->threads = threads;
  trace->asked_seconds = static_cast<double>(limits.duration.count()) / kMillisPerSecond;
  return trace;
}

}  // namespace pghang
