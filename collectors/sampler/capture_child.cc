#include "collectors/sampler/capture_child.h"

#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_nanosleep(2) is POSIX, not <ctime>

#include <cerrno>
#include <chrono>
#include <utility>

#include "collectors/process/capabilities.h"
#include "collectors/process/cluster_survey.h"
#include "collectors/process/observer.h"
#include "collectors/sampler/interrupt_variables.h"
#include "collectors/sampler/kernel_view.h"
#include "collectors/sampler/stack_series.h"
#include "collectors/sampler/target_identity.h"

namespace pghang::sampler {
namespace {

using std::chrono::microseconds;

void sleep_for(std::chrono::milliseconds interval) {
  timespec left{.tv_sec = interval.count() / 1000, .tv_nsec = interval.count() % 1000 * 1'000'000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
  }
}

std::int64_t now_micros() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<microseconds>(now).count();
}

ChildReport failed(const Error& error) {
  ChildReport report;
  report.failure = CaptureFailure{error.code, error.context};
  return report;
}

ChildReport gone(ProcessKey key) {
  ChildReport report;
  report.capture.key = key;
  report.capture.captured_at_micros = now_micros();
  report.capture.gone = true;
  return report;
}

ChildReport without_process(const Error& error, ProcessKey key) {
  return error.code == Errc::not_found ? gone(key) : failed(error);
}

Result<std::vector<Mapping>> read_mappings(const ProcFs& proc, pid_t pid) {
  const auto text = proc.read(pid, "maps");
  if (!text) return text.error();
  return parse_maps(*text);
}

/// Since when a process has waited in the same system call, as far as the samples tell: the call,
/// its arguments, the stack pointer and the switch counters have not changed.
class SyscallSpan {
 public:
  void add(const ProcFs& proc, pid_t pid, const Sample& sample) {
    auto text = proc.read(pid, "syscall");
    const auto line = text ? parse_syscall(*text) : Result<SyscallLine>(text.error());
    const bool blocked = line && !line->running;
    if (!blocked || !same_ || line_ != *line || voluntary_ != sample.voluntary_switches ||
        involuntary_ != sample.involuntary_switches) {
      since_ = sample.at_micros;
    }
    same_ = blocked;
    if (blocked) line_ = *line;
    voluntary_ = sample.voluntary_switches;
    involuntary_ = sample.involuntary_switches;
    until_ = sample.at_micros;
  }

  void tell(Syscall& call) const {
    if (!same_ || line_.number != call.number || until_ == since_) return;
    call.at_least_seconds = static_cast<double>(until_ - since_) / 1e6;
    call.at_least_source = kFromSamples;
  }

 private:
  bool same_ = false;
  SyscallLine line_;
  std::uint64_t voluntary_ = 0;
  std::uint64_t involuntary_ = 0;
  std::int64_t since_ = 0;
  std::int64_t until_ = 0;
};

void without_memory(const ProcFs& proc, const Error& error, ChildReport& report) {
  for (const char* evidence : {"user_stack", "interrupts"})
    add_missing(report.capture.missing, proc, evidence, error, capability::kSysPtrace);
}

/// Takes the samples; `stacks` is null when there is no user memory to look at. Errors: not_found.
Result<void> take_samples(
    const CaptureRequest& request,
    const ProcFs& proc,
    const VariableAddresses& variables,
    StackSeries* stacks,
    SyscallSpan& span,
    ChildReport& report
) {
  for (std::uint32_t number = 1; number <= request.samples; ++number) {
    if (number > 1) sleep_for(std::chrono::milliseconds(request.interval_ms));
    auto sample = observe_sample(proc, request.pid, variables, report.capture.missing);
    if (!sample) return sample.error();
    if (stacks == nullptr) {
      report.stack_of_sample.push_back(0);
    } else if (number < request.samples) {
      stacks->take(*sample);
    } else {
      stacks->take_last(*sample);
    }
    span.add(proc, request.pid, *sample);
    report.capture.samples.push_back(*std::move(sample));
  }
  report.capture.captured_at_micros = now_micros();
  return boost::system::in_place_value;
}

/// Samples, then everything that one look tells, taken beside the last sample so that system call
/// and stack belong together. Errors: not_found.
Result<void> look(
    const CaptureRequest& request,
    const ProcFs& proc,
    const ModuleCache& modules,
    const CapturePointListener& listener,
    ChildReport& report
) {
  Capture& capture = report.capture;
  auto variables = find_interrupt_variables(report.mappings, modules);
  capture.postgres = variables.postgres;
  if (variables.missing) capture.missing.push_back(*std::move(variables.missing));
  StackSeries stacks(proc, capture.key, request, listener, report);
  SyscallSpan span;
  StackSeries* const has_stacks = report.mappings.empty() ? nullptr : &stacks;
  auto taken = take_samples(request, proc, variables.addresses, has_stacks, span, report);
  if (!taken) return taken;
  // Looking for peers takes as long as there are processes: not while the target may stand still.
  const bool peers = request.peers && !stacks.still_attached();
  auto seen = observe_process(proc, request.pid, peers, capture);
  capture.orphan = is_orphan(proc, capture);
  if (capture.syscall) span.tell(*capture.syscall);
  return seen;
}

/// The same without the target's memory. Errors: not_found.
Result<void> look_without_memory(
    const CaptureRequest& request,
    const ProcFs& proc,
    const ProcStat& stat,
    ChildReport& report
) {
  Capture& capture = report.capture;
  without_memory(proc, {Errc::timeout, "its memory could not be read in time"}, report);
  SyscallSpan span;
  auto taken = take_samples(request, proc, {}, nullptr, span, report);
  if (!taken) return taken;
  observe_kernel_side(proc, stat, request.pid, capture);
  if (capture.syscall) span.tell(*capture.syscall);
  return boost::system::in_place_value;
}

/// Whatever needs the list of mappings. Errors: not_found, and of the mappings alone
/// permission_denied, io.
Result<void> look_with_memory(
    const ChildTask& task,
    const ProcFs& proc,
    const ModuleCache& modules,
    const CapturePointListener& listener,
    ChildReport& report
) {
  const auto mappings = read_mappings(proc, task.request.pid);
  if (mappings) report.mappings = *mappings;
  if (task.kind == ChildTask::Kind::mappings) {
    if (!mappings) return mappings.error();
    return boost::system::in_place_value;
  }
  if (task.ask_for_modules && !modules.covers(report.mappings)) {
    report.need_modules = true;
    return boost::system::in_place_value;
  }
  if (task.kind == ChildTask::Kind::stop_only) {
    StackSeries(proc, report.capture.key, task.request, listener, report).take_stopped();
    return boost::system::in_place_value;
  }
  if (task.kind == ChildTask::Kind::survey) {
    const auto variables = find_interrupt_variables(report.mappings, modules);
    report.capture.cluster = survey_cluster(
        proc,
        task.request.pid,
        task.postmaster,
        variables.addresses,
        report.capture.missing
    );
    return boost::system::in_place_value;
  }
  if (!mappings) {
    without_memory(proc, mappings.error(), report);
  } else if (report.mappings.empty()) {
    without_memory(proc, {Errc::unsupported, "a kernel thread has no user memory"}, report);
  }
  return look(task.request, proc, modules, listener, report);
}

}  // namespace

ChildReport run_task(
    const ChildTask& task,
    const ProcFs& proc,
    const ModuleCache& modules,
    const CapturePointListener& listener
) {
  CaptureRequest request = task.request;
  const auto stat = identify(proc, request);
  if (!stat) return without_process(stat.error(), {request.pid, request.expect_start_ticks});
  request.expect_start_ticks = stat->start_ticks;
  ChildReport report;
  report.capture.key = {request.pid, stat->start_ticks};
  const auto seen = task.kind == ChildTask::Kind::kernel_only
                        ? look_without_memory(request, proc, *stat, report)
                        : look_with_memory(task, proc, modules, listener, report);
  if (!seen) return without_process(seen.error(), report.capture.key);
  if (const auto still = identify(proc, request); !still) {
    return without_process(still.error(), report.capture.key);
  }
  return report;
}

}  // namespace pghang::sampler
