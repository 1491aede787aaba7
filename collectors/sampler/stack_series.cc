#include "collectors/sampler/stack_series.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "collectors/process/capabilities.h"
#include "collectors/process/realtime.h"

namespace pghang::sampler {
namespace {

/// Copies beyond this are not kept, but for the last sample's: 16 of 256 KiB are 4 MiB.
constexpr std::size_t kMaxStacks = 16;

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
  const bool room = report_.stacks.size() < kMaxStacks;
  if (room && asleep(sample.state)) {
    if (auto snapshot = in_place()) keep(*std::move(snapshot), sample);
  } else if (room && may_stop && request_.allow_ptrace_stop) {
    if (auto snapshot = stopped()) keep(*std::move(snapshot), sample);
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
  auto snapshot = any_way(sample.state);
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

Result<StackSnapshot> StackSeries::any_way(ProcessState state) {
  if (asleep(state) || !request_.allow_ptrace_stop) {
    auto snapshot = in_place();
    if (snapshot || snapshot.error().code != Errc::busy || !request_.allow_ptrace_stop) {
      return snapshot;
    }
  }
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
  return capture_ptrace_stop(
      proc_,
      key_,
      report_.mappings,
      std::chrono::milliseconds(request_.stop_deadline_ms),
      listener_
  );
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
