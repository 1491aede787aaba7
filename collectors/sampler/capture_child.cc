#include "collectors/sampler/capture_child.h"

#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_nanosleep(2) is POSIX, not <ctime>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

#include "collectors/process/capabilities.h"
#include "collectors/process/cluster_survey.h"
#include "collectors/process/monotonic.h"
#include "collectors/process/observer.h"
#include "collectors/process/peer_scan.h"
#include "collectors/sampler/kernel_view.h"
#include "collectors/sampler/server_pid.h"
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

/// What a zombie still has: its parent can be asked why it stays.
ChildReport zombie(const ProcFs& proc, const ProcStat& stat, ProcessKey key) {
  ChildReport report;
  report.capture.key = key;
  report.capture.captured_at_micros = now_micros();
  report.capture.comm = stat.comm;
  report.capture.ppid = stat.ppid;
  report.capture.ns_pid = key.pid;
  report.capture.parent = related_process(proc, stat.ppid);
  Sample& sample = report.capture.samples.emplace_back();
  sample.at_micros = monotonic_micros();
  sample.state = stat.state;
  return report;
}

bool has_ended(const ProcStat& stat) {
  return stat.state == ProcessState::zombie || stat.state == ProcessState::dead;
}

/// Only a capture is interested in what is left of an ended process.
ChildReport ended(const ChildTask& task, const ProcFs& proc, const ProcStat& stat, ProcessKey key) {
  const bool capture =
      task.kind == ChildTask::Kind::capture || task.kind == ChildTask::Kind::kernel_only;
  return capture ? zombie(proc, stat, key) : gone(key);
}

ChildReport without_process(const Error& error, ProcessKey key) {
  return error.code == Errc::not_found ? gone(key) : failed(error);
}

Result<void> read_mappings(const ProcFs& proc, pid_t pid, MappingsMemo& memo, ChildReport& report) {
  auto text = proc.read(pid, "maps");
  if (!text) return text.error();
  report.known_maps = memo.find(*text);
  if (report.known_maps != 0) {
    report.mappings = memo.take(report.known_maps);
    return boost::system::in_place_value;
  }
  auto mappings = parse_maps(*text);
  if (!mappings) return mappings.error();
  report.maps = *std::move(text);
  report.mappings = *std::move(mappings);
  return boost::system::in_place_value;
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
      stacks->take(*sample, request.samples - number < request.max_stops);
    } else {
      stacks->take_last(*sample);
    }
    if (!request.samples_only) span.add(proc, request.pid, *sample);
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
    const VariableSymbols& symbols,
    const CapturePointListener& listener,
    ChildReport& report
) {
  Capture& capture = report.capture;
  auto variables = find_interrupt_variables(report.mappings, modules, symbols);
  capture.postgres = variables.postgres;
  capture.server_version = variables.server_version;
  if (variables.missing) capture.missing.push_back(*std::move(variables.missing));
  StackSeries stacks(proc, capture.key, request, listener, report);
  SyscallSpan span;
  const bool without_stacks = report.mappings.empty() || request.samples_only;
  StackSeries* const has_stacks = without_stacks ? nullptr : &stacks;
  auto taken = take_samples(request, proc, variables.addresses, has_stacks, span, report);
  if (!taken || request.samples_only) return taken;
  auto seen = observe_process(proc, request.pid, request.peers, capture);
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
  if (!taken || request.samples_only) return taken;
  observe_kernel_side(proc, stat, request.pid, capture);
  if (capture.syscall) span.tell(*capture.syscall);
  return boost::system::in_place_value;
}

/// `debug_query_string` (postgres.c) points to the text of the statement that is executed, and is
/// NULL between two statements and once an error was reported.
std::optional<bool> runs_statement(pid_t pid, const VariableAddresses& addresses) {
  const auto found = addresses.find(kStatementVariable);
  std::array<std::byte, sizeof(std::uint64_t)> bytes{};
  if (found == addresses.end() || found->second.size != bytes.size()) return std::nullopt;
  const auto got = ProcessMemory(pid).read(found->second.address, bytes);
  if (!got || *got != bytes.size()) return std::nullopt;
  return std::ranges::any_of(bytes, [](std::byte byte) { return byte != std::byte{0}; });
}

/// One sample. Errors: not_found.
Result<void> glance_at(
    const CaptureRequest& request,
    const ProcFs& proc,
    const VariableAddresses& addresses,
    ChildReport& report
) {
  auto sample = observe_sample(proc, request.pid, addresses, report.capture.missing);
  if (!sample) return sample.error();
  report.capture.samples.push_back(*std::move(sample));
  report.statement_runs = runs_statement(request.pid, addresses);
  return boost::system::in_place_value;
}

/// Whatever needs the list of mappings. Errors: not_found, and of the mappings alone
/// permission_denied, io.
Result<void> look_with_memory(
    const ChildTask& task,
    const ProcFs& proc,
    const ModuleCache& modules,
    const VariableSymbols& symbols,
    MappingsMemo& memo,
    const CapturePointListener& listener,
    ChildReport& report
) {
  const auto mappings = read_mappings(proc, task.request.pid, memo, report);
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
    const auto variables = find_interrupt_variables(report.mappings, modules, symbols);
    report.capture.cluster = survey_cluster(
        proc,
        task.request.pid,
        task.postmaster,
        variables.addresses,
        report.capture.missing
    );
    return boost::system::in_place_value;
  }
  if (task.kind == ChildTask::Kind::glance) {
    const auto variables = find_interrupt_variables(report.mappings, modules, symbols);
    return glance_at(task.request, proc, variables.addresses, report);
  }
  if (!mappings) {
    without_memory(proc, mappings.error(), report);
  } else if (report.mappings.empty()) {
    const char* const why = report.capture.kernel_thread ? "a kernel thread has no user memory"
                                                         : "it is ending: its memory is gone";
    without_memory(proc, {Errc::unsupported, why}, report);
  }
  return look(task.request, proc, modules, symbols, listener, report);
}

}  // namespace

ChildReport run_task(
    const ChildTask& asked,
    const ProcFs& proc,
    const ModuleCache& modules,
    const VariableSymbols& symbols,
    MappingsMemo& memo,
    const CapturePointListener& listener
) {
  ChildTask task = asked;
  CaptureRequest& request = task.request;
  const auto pid = task.prove_local ? own_backend(proc, request) : host_pid(proc, request);
  // Our own backend runs: one that is not found is not of this host.
  if (!pid && task.prove_local) return failed(pid.error());
  if (!pid) return without_process(pid.error(), {request.pid, 0});
  request.pid = *pid;
  request.server_pid = false;
  const auto stat = identify(proc, request);
  if (!stat) return without_process(stat.error(), {request.pid, request.expect_start_ticks});
  request.expect_start_ticks = stat->start_ticks;
  if (has_ended(*stat)) return ended(task, proc, *stat, {request.pid, stat->start_ticks});
  ChildReport report;
  report.capture.key = {request.pid, stat->start_ticks};
  report.capture.kernel_thread = stat->kernel_thread;
  report.capture.ppid = stat->ppid;
  if (task.kind == ChildTask::Kind::glance && !task.flags) {
    const auto seen = glance_at(request, proc, {}, report);
    return seen ? report : without_process(seen.error(), report.capture.key);
  }
  const auto seen = task.kind == ChildTask::Kind::kernel_only
                        ? look_without_memory(request, proc, *stat, report)
                        : look_with_memory(task, proc, modules, symbols, memo, listener, report);
  if (!seen) return without_process(seen.error(), report.capture.key);
  const auto still = identify(proc, request);
  if (!still) return without_process(still.error(), report.capture.key);
  if (has_ended(*still)) return ended(task, proc, *still, report.capture.key);
  return report;
}

}  // namespace pghang::sampler
