#include "collectors/sampler/capture_children.h"

#include <malloc.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime(2) is POSIX, not <ctime>

#include <utility>

#include "collectors/evidence/codec.h"
#include "collectors/sampler/forked_task.h"

namespace pghang::sampler {

double own_cpu_micros() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

void settle(ChildTask& task, const Capture& found) {
  task.request.pid = found.key.pid;
  task.request.expect_start_ticks = found.key.start_ticks;
  task.request.server_pid = false;
}

template <typename Report>
Result<Report>
CaptureChildren::report_of(const std::function<Report()>& body, Budget budget, Turn& turn) {
  const auto encoded = [&] {
    if (hooks_.child_started) hooks_.child_started();
    return codec::encode(body());
  };
  auto done = run_forked(
      encoded,
      keeper_socket_,
      kMaxReportBytes,
      turn.at(budget),
      turn.at(stuck_budget(turn.deadline))
  );
  turn.child_cpu_micros += done.cpu_micros;
  stuck_ = stuck_ || done.stuck;
  if (!done.output) return done.output.error();
  auto report = codec::decode<Report>(*done.output);
  if (!report) return Error{Errc::io, "the capture child's report cannot be read"};
  return *std::move(report);
}

Result<ChildReport> CaptureChildren::capture(const ChildTask& task, Budget budget, Turn& turn) {
  auto report = report_of<ChildReport>(
      [&] {
        narrow_to(filters_.capture);
        ChildReport taken =
            run_task(task, proc_, modules_, variables_, memo_, hooks_.capture_point);
        memo_.give_back(taken.known_maps, std::exchange(taken.mappings, {}));
        return taken;
      },
      budget,
      turn
  );
  if (report) find_mappings(*report);
  return report;
}

Result<SurveyReport> CaptureChildren::survey(const SurveyTask& task, Budget budget, Turn& turn) {
  return report_of<SurveyReport>(
      [&] {
        narrow_to(filters_.capture);
        return run_survey(task, proc_, modules_, variables_);
      },
      budget,
      turn
  );
}

Result<TraceReport> CaptureChildren::trace(const TraceRequest& request, Budget budget, Turn& turn) {
  return report_of<TraceReport>(
      [&] {
        narrow_to(filters_.trace);
        return run_trace(request, proc_, hooks_.trace_point);
      },
      budget,
      turn
  );
}

Result<TraceReport>
CaptureChildren::look_after_trace(const TraceRequest& request, Budget budget, Turn& turn) {
  return report_of<TraceReport>(
      [&] {
        narrow_to(filters_.capture);
        return sampler::look_after_trace(request, proc_);
      },
      budget,
      turn
  );
}

void CaptureChildren::find_mappings(ChildReport& report) {
  if (report.maps.empty()) {
    report.mappings = memo_.at(report.known_maps);
  } else if (auto parsed = parse_maps(report.maps)) {
    report.mappings = *std::move(parsed);
    memo_.remember(std::exchange(report.maps, {}), report.mappings);
  }
}

void CaptureChildren::load_modules(pid_t pid, const std::vector<Mapping>& mappings) {
  modules_.load(pid, mappings);
  variables_.learn(mappings, modules_);
  // What parsing left behind, 4 of 6 MB: every fork would copy the page tables of that.
  ::malloc_trim(0);
}

}  // namespace pghang::sampler
