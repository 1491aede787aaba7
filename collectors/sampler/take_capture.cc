#include "collectors/sampler/take_capture.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "collectors/process/cluster_survey.h"
#include "collectors/sampler/capture_builder.h"

namespace pghang::sampler {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// A second look has a quarter of the deadline left, so it is a short one.
constexpr std::uint32_t kLateSamples = 3;
constexpr std::uint32_t kLateIntervalMs = 20;
/// A survey ends itself after kSurveyBudget, unless a process it looks at does not answer.
constexpr milliseconds kSurveyDeadline{500};

/// A capture by as many children as it takes: one more when modules have to be loaded first (the
/// children never open one), one more when the target's memory does not answer.
Result<ChildReport> look(ChildTask task, Turn& turn, CaptureChildren& children) {
  auto report = children.capture(task, memory_budget(turn.deadline), turn);
  if (report && report->need_modules) {
    settle(task, report->capture);
    children.load_modules(task.request.pid, report->mappings);
    task.ask_for_modules = false;
    report = children.capture(task, memory_budget(turn.deadline), turn);
  }
  if (!report && report.error().code == Errc::timeout && !children.stuck()) {
    task.kind = ChildTask::Kind::kernel_only;
    task.request.samples = std::min(task.request.samples, kLateSamples);
    task.request.interval_ms = std::min(task.request.interval_ms, kLateIntervalMs);
    report = children.capture(task, child_budget(turn.deadline), turn);
  }
  if (report && report->failure) return Error{report->failure->code, report->failure->context};
  return report;
}

/// By a child of its own: another process whose memory does not answer must not cost the capture.
void survey(ChildTask task, Capture& capture, Turn& turn, CaptureChildren& children) {
  task.postmaster = postmaster_of(capture);
  if (children.stuck() || task.postmaster == 0 || !worth_surveying(capture)) return;
  task.kind = ChildTask::Kind::survey;
  const auto spent = std::chrono::duration_cast<milliseconds>(Clock::now() - turn.received);
  const milliseconds until = std::min(child_budget(turn.deadline), spent + kSurveyDeadline);
  take_survey(capture, children.capture(task, until, turn));
}

}  // namespace

Result<Capture> take_capture(
    const CaptureRequest& request,
    Turn& turn,
    CaptureChildren& children,
    Symbolizer& symbols,
    const HelperHooks& hooks
) {
  if (request.pid <= 0) return Error{Errc::malformed, "no such pid"};
  if (request.samples == 0 || request.samples > kMaxSamples) {
    return Error{Errc::refused, "samples must be 1 to " + std::to_string(kMaxSamples)};
  }
  const std::uint64_t span = std::uint64_t{request.samples - 1} * request.interval_ms;
  if (span >= static_cast<std::uint64_t>(memory_budget(turn.deadline).count())) {
    return Error{Errc::refused, "the samples need more than half of the deadline"};
  }
  ChildTask task{.request = request};
  auto report = look(task, turn, children);
  if (!report) return report.error();
  const bool stopped_before = report->stopped_target;
  if (hooks.before_unwinding) hooks.before_unwinding();
  Capture capture = build_capture(*report, request, children.modules());
  if (request.samples_only) return capture;
  const ChildReport* shown = &*report;
  const StackSnapshot* stack = last_stack(*report);
  Result<ChildReport> stop = Error{Errc::not_found, "not tried"};
  task.ask_for_modules = false;
  settle(task, capture);
  if (worth_stopping(capture, request, stopped_before)) {
    task.kind = ChildTask::Kind::stop_only;
    stop = children.capture(task, child_budget(turn.deadline), turn);
    // What was seen without a stop is worth having, whatever became of the stop.
    if (stop && take_better_stack(capture, *stop, request, children.modules())) {
      shown = &*stop;
      stack = &stop->stacks.front();
    }
  }
  survey(task, capture, turn, children);
  if (stack != nullptr && !children.stuck()) {
    const auto costs = symbols.add(
        capture,
        *stack,
        shown->mappings,
        request,
        {turn.at(child_budget(turn.deadline)), turn.at(stuck_budget(turn.deadline))}
    );
    turn.child_cpu_micros += costs.cpu_micros;
    if (costs.stuck) children.note_stuck();
  }
  return capture;
}

}  // namespace pghang::sampler
