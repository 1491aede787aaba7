#include "collectors/trace/ptrace_trace.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>
#include <thread>

#include "collectors/process/check_process.h"
#include "collectors/process/file_text.h"
#include "collectors/process/parsers.h"
#include "collectors/process/syscall_names.h"
#include "collectors/trace/syscall_tally.h"
#include "collectors/trace/tracee.h"

namespace pghang {
namespace {

constexpr std::int64_t kNanosPerMilli = 1'000'000;
constexpr double kNanosPerMicro = 1e3;
constexpr double kNanosPerSecond = 1e9;
/// For the first stop: one that waits for a CPU may take a while, one that waits in the kernel
/// where nothing reaches it for ever. As long as we wait, it does not stand still once it stops.
constexpr std::int64_t kFirstStopNanos = 1000 * kNanosPerMilli;
/// A process that makes calls stops by itself once more within this time.
constexpr std::int64_t kLastStopNanos = 20 * kNanosPerMilli;

void block_sigchld() {
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &child, nullptr);
}

Error failed(const char* call, int number) {
  Error error = system_error(number, call);
  if (error.code == Errc::permission_denied) error.context += " (needs CAP_SYS_PTRACE)";
  return error;
}

/// The call that a process waits in.
std::optional<long> waits_in(const ProcFs& proc, pid_t pid) {
  const auto text = proc.read(pid, "syscall");
  const auto line = text ? parse_syscall(*text) : Result<SyscallLine>(text.error());
  if (!line || line->running || line->number < 0) return std::nullopt;
  return line->number;
}

class PtraceTrace {
 public:
  PtraceTrace(
      const ProcFs& proc,
      ProcessKey key,
      const TraceLimits& limits,
      const TracePointListener& listener
  )
      : proc_(proc),
        key_(key),
        limits_(limits),
        listener_(listener),
        tracee_(key.pid) {}

  Result<SyscallTrace> run();

 private:
  [[nodiscard]] Result<void> attach();
  void follow();
  [[nodiscard]] std::optional<TraceEnd> bound_reached() const;
  void go_on(const TraceeStop& stop);
  void let_go(const TraceeStop& stop);

  void end(TraceEnd why) { trace_.end = why; }

  void at(TracePoint point) const {
    if (listener_) listener_(point);
  }

  /// Adds the hold that began at `seen_`, now that it is over.
  void count_hold();

  const ProcFs& proc_;
  ProcessKey key_;
  const TraceLimits& limits_;
  const TracePointListener& listener_;
  Tracee tracee_;
  SyscallTally tally_;
  SyscallTrace trace_;
  std::int64_t seen_ = 0;      ///< when the present stop was seen
  std::int64_t released_ = 0;  ///< when the last one ended
  std::int64_t held_ = 0;
  std::int64_t longest_held_ = 0;
};

Result<SyscallTrace> PtraceTrace::run() {
  trace_.method = TraceMethod::ptrace;
  if (const auto attached = attach(); !attached) return attached.error();
  const std::int64_t began = monotonic_nanos();
  follow();
  const std::int64_t ended = monotonic_nanos();
  at(TracePoint::after_detach);
  trace_.seconds = static_cast<double>(ended - began) / kNanosPerSecond;
  trace_.held_micros = static_cast<double>(held_) / kNanosPerMicro;
  trace_.longest_held_micros = static_cast<double>(longest_held_) / kNanosPerMicro;
  tally_.write(ended, trace_);
  if (trace_.end == TraceEnd::exited) trace_.unfinished.reset();
  return std::move(trace_);
}

Result<void> PtraceTrace::attach() {
  const std::optional<long> waiting = waits_in(proc_, key_.pid);
  at(TracePoint::before_seize);
  if (const int error = tracee_.seize(); error != 0) return failed("PTRACE_SEIZE", error);
  // From here on the pid cannot be reused. Another process is left without a stop, by the end of
  // this thread.
  if (const auto same = check_identity(proc_, key_); !same) return same.error();
  if (const int error = tracee_.interrupt(); error != 0) return failed("PTRACE_INTERRUPT", error);
  at(TracePoint::after_interrupt);
  const auto stop = tracee_.wait(monotonic_nanos() + kFirstStopNanos);
  if (!stop) return Error{Errc::timeout, "the process did not stop in time"};
  if (stop->kind == StopKind::ended) return Error{Errc::not_found, "the process ended"};
  seen_ = monotonic_nanos();
  at(TracePoint::at_first_stop);
  ++trace_.stops;
  if (waiting) {
    trace_.interrupted = syscall_name(*waiting);
    tally_.broken_off(*waiting);
  }
  go_on(*stop);
  return {};
}

void PtraceTrace::follow() {
  const std::int64_t until = monotonic_nanos() + limits_.duration.count() * kNanosPerMilli;
  for (;;) {
    at(TracePoint::while_running);
    auto stop = tracee_.wait(until);
    const bool over = !stop;
    if (over) stop = tracee_.wait(monotonic_nanos() + kLastStopNanos);
    if (!stop) return;  // the end of this thread lets it go
    seen_ = monotonic_nanos();
    if (stop->kind == StopKind::ended) return end(TraceEnd::exited);
    ++trace_.stops;
    if (stop->kind == StopKind::exit) tally_.exit(stop->result, seen_);
    const auto bound = bound_reached();
    if (over || bound || stop->kind == StopKind::exec) {
      if (stop->kind == StopKind::exec) {
        end(TraceEnd::exec);
      } else if (bound) {
        end(*bound);
      }
      return let_go(*stop);
    }
    go_on(*stop);
  }
}

std::optional<TraceEnd> PtraceTrace::bound_reached() const {
  if (trace_.stops >= limits_.max_stops) return TraceEnd::stops;
  const auto asked = static_cast<double>(limits_.duration.count() * kNanosPerMilli);
  if (static_cast<double>(held_) >= asked * limits_.max_held_share) return TraceEnd::held;
  return std::nullopt;
}

void PtraceTrace::go_on(const TraceeStop& stop) {
  switch (stop.kind) {
    case StopKind::group_stop:
      at(TracePoint::at_group_stop);
      // It stands still because somebody stopped it, not for us.
      static_cast<void>(tracee_.listen());
      return;
    case StopKind::signal:
      at(TracePoint::at_signal);
      ++trace_.signals;
      break;
    case StopKind::entry: at(TracePoint::at_entry); break;
    case StopKind::exit: at(TracePoint::at_exit); break;
    default: break;
  }
  // An error means that it was killed meanwhile: the next look tells.
  static_cast<void>(tracee_.resume(stop.signal));
  count_hold();
  if (stop.kind == StopKind::entry) tally_.enter(stop.number, released_);
}

void PtraceTrace::let_go(const TraceeStop& stop) {
  if (stop.kind == StopKind::signal) ++trace_.signals;
  static_cast<void>(tracee_.detach(stop.signal));
  count_hold();
}

void PtraceTrace::count_hold() {
  released_ = monotonic_nanos();
  const std::int64_t hold = released_ - seen_;
  held_ += hold;
  longest_held_ = std::max(longest_held_, hold);
}

}  // namespace

Result<SyscallTrace> trace_by_ptrace(
    const ProcFs& proc,
    ProcessKey key,
    const TraceLimits& limits,
    const TracePointListener& listener
) {
  // In every thread: one that has it unblocked would take it, and the tracer would sleep on.
  block_sigchld();
  Result<SyscallTrace> result = Error{Errc::io, "no thread for the trace"};
  // In a thread of its own, whose end lets a target go that has not stopped once more.
  try {
    std::thread([&] { result = PtraceTrace(proc, key, limits, listener).run(); }).join();
  } catch (const std::system_error& error) {
    return Error{Errc::io, std::string("a thread for the trace: ") + error.what()};
  }
  return result;
}

}  // namespace pghang
