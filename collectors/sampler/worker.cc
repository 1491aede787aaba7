#include "collectors/sampler/worker.h"

#include <malloc.h>
#include <poll.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime(2) is POSIX, not <ctime>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/evidence/codec.h"
#include "collectors/process/cluster_survey.h"
#include "collectors/process/procfs.h"
#include "collectors/sampler/capture_builder.h"
#include "collectors/sampler/capture_child.h"
#include "collectors/sampler/forked_task.h"
#include "collectors/sampler/interrupt_variables.h"
#include "collectors/sampler/mappings_memo.h"
#include "collectors/sampler/packet_socket.h"
#include "collectors/sampler/protocol.h"
#include "collectors/sampler/survey_task.h"
#include "collectors/sampler/symbolizer.h"
#include "collectors/sampler/trace_task.h"
#include "collectors/stack/module_cache.h"

namespace pghang::sampler {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// A second look has a quarter of the deadline left, so it is a short one.
constexpr std::uint32_t kLateSamples = 3;
constexpr std::uint32_t kLateIntervalMs = 20;
/// A survey ends itself after kSurveyBudget, unless a process it looks at does not answer.
constexpr milliseconds kSurveyDeadline{500};
constexpr int kLargeBlock = 256 * 1024;
/// Of a trace, beyond its duration: the first stop, the last one, and the look afterwards.
constexpr milliseconds kTraceMargin{1500};

double own_cpu_micros() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// The process itself from now on, whatever it was asked for by.
void settle(ChildTask& task, const Capture& found) {
  task.request.pid = found.key.pid;
  task.request.expect_start_ticks = found.key.start_ticks;
  task.request.server_pid = false;
}

class Worker {
 public:
  Worker(UniqueFd keeper, const HelperHooks& hooks, const HelperFilters& filters)
      : keeper_(std::move(keeper)),
        hooks_(hooks),
        filters_(filters),
        symbols_(modules_, keeper_.get(), filters) {}

  int run();

 private:
  /// One request's clock and costs.
  struct Turn {
    Clock::time_point received = Clock::now();
    milliseconds deadline{0};
    double cpu_before = own_cpu_micros();
    double child_cpu_micros = 0;

    [[nodiscard]] Clock::time_point at(milliseconds budget) const { return received + budget; }
  };

  [[nodiscard]] std::string answer(const Message& message);
  [[nodiscard]] Result<Capture> capture(const CaptureRequest& request, Turn& turn);
  [[nodiscard]] Result<void> prewarm(const PrewarmRequest& request, Turn& turn);
  [[nodiscard]] Result<Glance> glance(const GlanceRequest& request, Turn& turn);
  void find_mappings(ChildReport& report);
  void load_modules(pid_t pid, const std::vector<Mapping>& mappings);
  [[nodiscard]] Result<SyscallTrace> trace(const TraceRequest& request, Turn& turn);
  [[nodiscard]] Result<ServerSurvey> server(const SurveyRequest& request, Turn& turn);
  [[nodiscard]] Result<ChildReport> look(ChildTask task, Turn& turn);
  void survey(ChildTask task, Capture& capture, Turn& turn);
  [[nodiscard]] Result<ChildReport>
  in_child(const ChildTask& task, milliseconds budget, Turn& turn);
  template <typename Report>
  [[nodiscard]] Result<Report>
  report_of_child(const std::function<Report()>& body, milliseconds budget, Turn& turn);

  UniqueFd keeper_;
  const HelperHooks& hooks_;
  const HelperFilters& filters_;
  ProcFs proc_;
  ModuleCache modules_;
  VariableSymbols variables_;
  MappingsMemo memo_;
  Symbolizer symbols_;
  std::string buffer_;
  bool child_stuck_ = false;
};

int Worker::run() {
  while (!child_stuck_) {
    std::array<pollfd, 2> ready{{
        {.fd = keeper_.get(), .events = POLLIN, .revents = 0},
        {.fd = symbols_.downloads().fd(), .events = POLLIN, .revents = 0},
    }};
    const int count = ::poll(ready.data(), ready.size(), symbols_.downloads().poll_timeout());
    if (ready[1].revents != 0 || count == 0) symbols_.take_downloads();
    const Received received = receive_packet(keeper_.get(), buffer_);
    if (received.status == ReceiveStatus::closed) return 0;
    if (received.status == ReceiveStatus::none) continue;
    const auto message = decode_message(received.packet);
    if (!message) continue;
    if (hooks_.request_received) hooks_.request_received();
    if (send_packet(keeper_.get(), answer(*message)) != SendStatus::sent) return 1;
  }
  return kExitChildStuck;
}

std::string Worker::answer(const Message& message) {
  const std::uint64_t id = message.header.id;
  Turn turn{.deadline = milliseconds(message.header.deadline_ms)};
  if (message.header.type == MessageType::capture) {
    if (const auto request = codec::decode<CaptureRequest>(message.body)) {
      auto taken = capture(*request, turn);
      if (!taken) return encode_failure(id, taken.error());
      taken->cpu_micros = own_cpu_micros() - turn.cpu_before + turn.child_cpu_micros;
      taken->child_cpu_micros = turn.child_cpu_micros;
      const std::chrono::duration<double, std::micro> wall = Clock::now() - turn.received;
      taken->wall_micros = wall.count();
      return encode_capture(id, *std::move(taken));
    }
  } else if (message.header.type == MessageType::prewarm) {
    if (const auto request = codec::decode<PrewarmRequest>(message.body)) {
      const auto warmed = prewarm(*request, turn);
      if (!warmed) return encode_failure(id, warmed.error());
      return encode_message({.type = MessageType::prewarmed, .id = id}, {});
    }
  } else if (message.header.type == MessageType::glance) {
    if (const auto request = codec::decode<GlanceRequest>(message.body)) {
      const auto seen = glance(*request, turn);
      if (!seen) return encode_failure(id, seen.error());
      return encode_message({.type = MessageType::glanced, .id = id}, codec::encode(*seen));
    }
  } else if (message.header.type == MessageType::trace) {
    if (const auto request = codec::decode<TraceRequest>(message.body)) {
      const auto traced = trace(*request, turn);
      if (!traced) return encode_failure(id, traced.error());
      const std::string body = codec::encode(*traced);
      if (body.size() > kMaxMessageBytes - kHeaderBytes) {
        return encode_failure(id, {Errc::io, "the trace is too large to send"});
      }
      return encode_message({.type = MessageType::traced, .id = id}, body);
    }
  } else if (message.header.type == MessageType::survey) {
    if (const auto request = codec::decode<SurveyRequest>(message.body)) {
      auto surveyed = server(*request, turn);
      if (!surveyed) return encode_failure(id, surveyed.error());
      return encode_survey(id, *std::move(surveyed));
    }
  }
  return encode_failure(id, {Errc::malformed, "the request cannot be read"});
}

Result<Capture> Worker::capture(const CaptureRequest& request, Turn& turn) {
  if (request.pid <= 0) return Error{Errc::malformed, "no such pid"};
  if (request.samples == 0 || request.samples > kMaxSamples) {
    return Error{Errc::refused, "samples must be 1 to " + std::to_string(kMaxSamples)};
  }
  const std::uint64_t span = std::uint64_t{request.samples - 1} * request.interval_ms;
  if (span >= static_cast<std::uint64_t>(memory_budget(turn.deadline).count())) {
    return Error{Errc::refused, "the samples need more than half of the deadline"};
  }
  ChildTask task{.request = request};
  auto report = look(task, turn);
  if (!report) return report.error();
  const bool stopped_before = report->stopped_target;
  if (hooks_.before_unwinding) hooks_.before_unwinding();
  Capture capture = build_capture(*report, request, modules_);
  if (request.samples_only) return capture;
  const ChildReport* shown = &*report;
  const StackSnapshot* stack = last_stack(*report);
  Result<ChildReport> stop = Error{Errc::not_found, "not tried"};
  task.ask_for_modules = false;
  settle(task, capture);
  if (worth_stopping(capture, request, stopped_before)) {
    task.kind = ChildTask::Kind::stop_only;
    stop = in_child(task, child_budget(turn.deadline), turn);
    // What was seen without a stop is worth having, whatever became of the stop.
    if (stop && take_better_stack(capture, *stop, request, modules_)) {
      shown = &*stop;
      stack = &stop->stacks.front();
    }
  }
  survey(task, capture, turn);
  if (stack != nullptr && !child_stuck_) {
    const auto costs = symbols_.add(
        capture,
        *stack,
        shown->mappings,
        request,
        {turn.at(child_budget(turn.deadline)), turn.at(stuck_budget(turn.deadline))}
    );
    turn.child_cpu_micros += costs.cpu_micros;
    child_stuck_ = child_stuck_ || costs.stuck;
  }
  return capture;
}

/// By a child of its own: another process whose memory does not answer must not cost the capture.
void Worker::survey(ChildTask task, Capture& capture, Turn& turn) {
  task.postmaster = postmaster_of(capture);
  if (child_stuck_ || task.postmaster == 0 || !worth_surveying(capture)) return;
  task.kind = ChildTask::Kind::survey;
  const auto spent = std::chrono::duration_cast<milliseconds>(Clock::now() - turn.received);
  const milliseconds until = std::min(child_budget(turn.deadline), spent + kSurveyDeadline);
  take_survey(capture, in_child(task, until, turn));
}

Result<void> Worker::prewarm(const PrewarmRequest& request, Turn& turn) {
  if (request.pid <= 0) return Error{Errc::malformed, "no such pid"};
  const ChildTask task{
      .kind = ChildTask::Kind::mappings,
      .request{.pid = request.pid, .server_pid = request.server_pid},
      .ask_for_modules = false};
  const auto report = in_child(task, child_budget(turn.deadline), turn);
  if (!report) return report.error();
  if (report->failure) return Error{report->failure->code, report->failure->context};
  if (report->capture.gone) return Error{Errc::not_found, "no such process"};
  load_modules(report->capture.key.pid, report->mappings);
  return boost::system::in_place_value;
}

Result<Glance> Worker::glance(const GlanceRequest& request, Turn& turn) {
  if (request.pid <= 0) return Error{Errc::malformed, "no such pid"};
  ChildTask task;
  task.kind = ChildTask::Kind::glance;
  task.request.pid = request.pid;
  task.request.server_pid = true;
  task.request.server_process = request.server_process;
  task.request.expect_started_at_micros = request.expect_started_at_micros;
  task.request.client_port = request.client_port;
  task.prove_local = request.prove_local;
  task.flags = request.flags;
  auto report = in_child(task, child_budget(turn.deadline), turn);
  if (report && report->need_modules) {
    settle(task, report->capture);
    load_modules(task.request.pid, report->mappings);
    task.ask_for_modules = false;
    report = in_child(task, child_budget(turn.deadline), turn);
  }
  if (!report) return report.error();
  if (report->failure) return Error{report->failure->code, report->failure->context};
  const Capture& capture = report->capture;
  Glance seen;
  seen.key = capture.key;
  seen.gone = capture.gone || capture.samples.empty();
  seen.ppid = capture.ppid;
  if (!seen.gone) seen.sample = capture.samples.front();
  seen.statement_runs = report->statement_runs;
  return seen;
}

void Worker::load_modules(pid_t pid, const std::vector<Mapping>& mappings) {
  modules_.load(pid, mappings);
  variables_.learn(mappings, modules_);
  // What parsing left behind, 4 of 6 MB: every fork would copy the page tables of that.
  ::malloc_trim(0);
}

/// A capture by as many children as it takes: one more when modules have to be loaded first (the
/// children never open one), one more when the target's memory does not answer.
Result<ChildReport> Worker::look(ChildTask task, Turn& turn) {
  auto report = in_child(task, memory_budget(turn.deadline), turn);
  if (report && report->need_modules) {
    settle(task, report->capture);
    load_modules(task.request.pid, report->mappings);
    task.ask_for_modules = false;
    report = in_child(task, memory_budget(turn.deadline), turn);
  }
  if (!report && report.error().code == Errc::timeout && !child_stuck_) {
    task.kind = ChildTask::Kind::kernel_only;
    task.request.samples = std::min(task.request.samples, kLateSamples);
    task.request.interval_ms = std::min(task.request.interval_ms, kLateIntervalMs);
    report = in_child(task, child_budget(turn.deadline), turn);
  }
  if (report && report->failure) return Error{report->failure->code, report->failure->context};
  return report;
}

/// By one more child when modules have to be loaded first, and by one that reads no memory when
/// that of some process did not answer.
Result<ServerSurvey> Worker::server(const SurveyRequest& request, Turn& turn) {
  SurveyTask task{.request = request, .ask_for_modules = true, .with_memory = true};
  const auto in_child = [&](milliseconds budget) {
    return report_of_child<SurveyReport>(
        [&] {
          narrow_to(filters_.capture);
          return run_survey(task, proc_, modules_, variables_);
        },
        budget,
        turn
    );
  };
  auto report = in_child(memory_budget(turn.deadline));
  if (report && report->need_modules) {
    if (const auto mappings = parse_maps(report->maps)) load_modules(report->mapped, *mappings);
    task.ask_for_modules = false;
    report = in_child(memory_budget(turn.deadline));
  }
  if (!report && report.error().code == Errc::timeout && !child_stuck_) {
    task.with_memory = false;
    report = in_child(child_budget(turn.deadline));
    if (report) {
      report->survey.missing.push_back(
          {"interrupts",
           "the memory of one of the server's processes could not be read in time",
           ""}
      );
    }
  }
  if (!report) return report.error();
  if (report->failure) return Error{report->failure->code, report->failure->context};
  return std::move(report->survey);
}

void Worker::find_mappings(ChildReport& report) {
  if (report.maps.empty()) {
    report.mappings = memo_.at(report.known_maps);
  } else if (auto parsed = parse_maps(report.maps)) {
    report.mappings = *std::move(parsed);
    memo_.remember(std::exchange(report.maps, {}), report.mappings);
  }
}

/// By two children: the end of the first lets the target go, and the second looks how it is then.
Result<SyscallTrace> Worker::trace(const TraceRequest& request, Turn& turn) {
  if (request.pid <= 0) return Error{Errc::malformed, "no such pid"};
  if (request.duration_ms < kMinTraceMs || request.duration_ms > kMaxTraceMs) {
    return Error{Errc::refused, "a trace lasts 100 ms to 60 s"};
  }
  if (milliseconds(request.duration_ms) + kTraceMargin > child_budget(turn.deadline)) {
    return Error{Errc::refused, "the trace needs more than the deadline leaves"};
  }
  auto report = report_of_child<TraceReport>(
      [&] {
        narrow_to(filters_.trace);
        return run_trace(request, proc_, hooks_.trace_point);
      },
      child_budget(turn.deadline),
      turn
  );
  if (!report) return report.error();
  if (report->failure) return Error{report->failure->code, report->failure->context};
  const auto after = report_of_child<TraceReport>(
      [&] {
        narrow_to(filters_.capture);
        return look_after_trace(request, proc_);
      },
      child_budget(turn.deadline),
      turn
  );
  if (after && !after->failure) {
    report->trace.state_after = after->trace.state_after;
    report->trace.tracer_after = after->trace.tracer_after;
  }
  return std::move(report->trace);
}

Result<ChildReport> Worker::in_child(const ChildTask& task, milliseconds budget, Turn& turn) {
  auto report = report_of_child<ChildReport>(
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

template <typename Report>
Result<Report>
Worker::report_of_child(const std::function<Report()>& body, milliseconds budget, Turn& turn) {
  const auto encoded = [&] {
    if (hooks_.child_started) hooks_.child_started();
    return codec::encode(body());
  };
  auto done = run_forked(
      encoded,
      keeper_.get(),
      kMaxReportBytes,
      turn.at(budget),
      turn.at(stuck_budget(turn.deadline))
  );
  turn.child_cpu_micros += done.cpu_micros;
  child_stuck_ = child_stuck_ || done.stuck;
  if (!done.output) return done.output.error();
  auto report = codec::decode<Report>(*done.output);
  if (!report) return Error{Errc::io, "the capture child's report cannot be read"};
  return *std::move(report);
}

}  // namespace

int run_worker(UniqueFd keeper, const HelperHooks& hooks, const HelperFilters& filters) {
  narrow_to(filters.worker);
  // A deep stack goes back to the system when it is done with, instead of staying in the heap,
  // where every fork would copy its page tables. Setting it keeps malloc from raising it by itself.
  ::mallopt(M_MMAP_THRESHOLD, kLargeBlock);
  return Worker(std::move(keeper), hooks, filters).run();
}

}  // namespace pghang::sampler
