#include "collectors/sampler/stack_series.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "collectors/process/capabilities.h"
#include "collectors/process/realtime.h"
#include "collectors/sampler/capture_report.h"

namespace pghang::sampler {
namespace {

/// Copies beyond these are not kept, but for the last sample's, so that all fit into a report.
constexpr std::size_t kMaxStacks = 16;
constexpr std::size_t kMaxKeptBytes = kMaxReportBytes - kMaxStackBytes - (2U << 20U);

bool asleep(ProcessState state) {
  return state != ProcessState::running;
}

}  // namespace

StackSeries::StackSeries(
    const ProcFs& proc,
    ProcessKey key,
    const CaptureRequest& request,
    const CapturePointListener& listener,
    ChildReport& report
)
    : proc_(proc),
      key_(key),
      request_(request),
      listener_(listener),
      report_(report) {}

void StackSeries::take(Sample& sample, bool may_stop) {
  if (has_not_run_since_last(sample)) {
    report_.stack_of_sample.push_back(last_stack_);
    return;
  }
  last_stack_ = 0;
  if (report_.stacks.size() < kMaxStacks) {
    auto snapshot = in_place();
    const bool runs = !snapshot && snapshot.error().code == Errc::busy && !asleep(sample.state);
    if (runs && may_stop && this->may_stop()) snapshot = stopped();
    if (snapshot && kept_bytes() + snapshot->stack.size() <= kMaxKeptBytes) {
      keep(*std::move(snapshot), sample);
    }
  }
  last_ = sample;
  report_.stack_of_sample.push_back(last_stack_);
}

void StackSeries::take_last(Sample& sample) {
  if (has_not_run_since_last(sample)) {
    report_.stack_of_sample.push_back(last_stack_);
    return;
  }
  last_stack_ = 0;
  auto snapshot = any_way();
  if (snapshot) {
    keep(*std::move(snapshot), sample);
  } else {
    add_missing(
        report_.capture.missing,
        proc_,
        "user_stack",
        snapshot.error(),
        capability::kSysPtrace | capability::kDacReadSearch
    );
  }
  report_.stack_of_sample.push_back(last_stack_);
}

void StackSeries::take_stopped() {
  Sample none;
  if (auto snapshot = stopped()) keep(*std::move(snapshot), none);
}

/// A switch counter moves whenever a process goes to sleep, so one that sleeps with the same
/// counters as before has the same stack.
bool StackSeries::has_not_run_since_last(const Sample& sample) const {
  return last_stack_ != 0 && asleep(sample.state) && asleep(last_.state) &&
         sample.voluntary_switches == last_.voluntary_switches &&
         sample.involuntary_switches == last_.involuntary_switches;
}

std::size_t StackSeries::kept_bytes() const {
  std::size_t bytes = 0;
  for (const StackSnapshot& snapshot : report_.stacks)
    bytes += snapshot.stack.size();
  return bytes;
}

/// In place first, whatever state was seen: it may have gone to sleep since, and a stop would break
/// off what it waits in.
Result<StackSnapshot> StackSeries::any_way() {
  auto standing = in_place();
  if (standing || standing.error().code != Errc::busy || !may_stop()) return standing;
  auto snapshot = stopped();
  // It may have fallen asleep, or into D, since its state was read.
  const bool not_running = !snapshot && (snapshot.error().code == Errc::refused ||
                                         snapshot.error().code == Errc::timeout);
  if (!not_running) return snapshot;
  auto again = in_place();
  return again ? std::move(again) : std::move(snapshot);
}

Result<StackSnapshot> StackSeries::in_place() {
  return capture_in_place(proc_, key_, report_.mappings, report_.capture.torn_copies);
}

Result<StackSnapshot> StackSeries::stopped() {
  std::vector<Missing>& missing = report_.capture.missing;
  report_.stopped_target = true;
  const Realtime realtime(processor_of(proc_, key_.pid));
  const bool told = std::ranges::find(missing, "realtime", &Missing::evidence) != missing.end();
  if (realtime.error() != 0 && !told) {
    missing.push_back(
        {.evidence = "realtime",
         .error = std::generic_category().message(realtime.error()),
         .needs = "CAP_SYS_NICE"}
    );
  }
  auto snapshot = capture_ptrace_stop(
      proc_,
      key_,
      report_.mappings,
      std::chrono::milliseconds(request_.stop_deadline_ms),
      listener_
  );
  stop_timed_out_ = !snapshot && snapshot.error().code == Errc::timeout;
  return snapshot;
}

void StackSeries::keep(StackSnapshot snapshot, Sample& sample) {
  sample.held_micros = snapshot.held_micros;
  const auto same =
      std::find_if(report_.stacks.begin(), report_.stacks.end(), [&](const StackSnapshot& other) {
        return other.registers == snapshot.registers && other.method == snapshot.method &&
               other.stack == snapshot.stack;
      });
  last_stack_ = static_cast<std::uint32_t>(same - report_.stacks.begin()) + 1;
  if (same == report_.stacks.end()) report_.stacks.push_back(std::move(snapshot));
}

}  // namespace pghang::sampler
