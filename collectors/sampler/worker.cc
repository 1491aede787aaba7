#include "collectors/sampler/worker.h"

#include <malloc.h>
#include <poll.h>

#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "collectors/evidence/codec.h"
#include "collectors/sampler/capture_builder.h"
#include "collectors/sampler/capture_children.h"
#include "collectors/sampler/packet_socket.h"
#include "collectors/sampler/protocol.h"
#include "collectors/sampler/symbolizer.h"
#include "collectors/sampler/take_capture.h"

namespace pghang::sampler {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kLargeBlock = 256 * 1024;
/// Of a trace, beyond its duration: the first stop, the last one, and the look afterwards.
constexpr milliseconds kTraceMargin{1500};

class Worker {
 public:
  Worker(UniqueFd keeper, const HelperHooks& hooks, const HelperFilters& filters)
      : keeper_(std::move(keeper)),
        hooks_(hooks),
        children_(keeper_.get(), hooks, filters),
        symbols_(children_.modules(), keeper_.get(), filters) {}

  int run();

 private:
  [[nodiscard]] std::string answer(const Message& message);
  [[nodiscard]] Result<void> prewarm(const PrewarmRequest& request, Turn& turn);
  [[nodiscard]] Result<Glance> glance(const GlanceRequest& request, Turn& turn);
  [[nodiscard]] Result<SyscallTrace> trace(const TraceRequest& request, Turn& turn);
  [[nodiscard]] Result<ServerSurvey> server(const SurveyRequest& request, Turn& turn);

  UniqueFd keeper_;
  const HelperHooks& hooks_;
  CaptureChildren children_;
  Symbolizer symbols_;
  std::string buffer_;
};

int Worker::run() {
  while (!children_.stuck()) {
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
      auto taken = take_capture(*request, turn, children_, symbols_, hooks_);
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

Result<void> Worker::prewarm(const PrewarmRequest& request, Turn& turn) {
  if (request.pid <= 0) return Error{Errc::malformed, "no such pid"};
  const ChildTask task{
      .kind = ChildTask::Kind::mappings,
      .request{.pid = request.pid, .server_pid = request.server_pid},
      .ask_for_modules = false};
  const auto report = children_.capture(task, child_budget(turn.deadline), turn);
  if (!report) return report.error();
  if (report->failure) return Error{report->failure->code, report->failure->context};
  if (report->capture.gone) return Error{Errc::not_found, "no such process"};
  children_.load_modules(report->capture.key.pid, report->mappings);
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
  auto report = children_.capture(task, child_budget(turn.deadline), turn);
  if (report && report->need_modules) {
    settle(task, report->capture);
    children_.load_modules(task.request.pid, report->mappings);
    task.ask_for_modules = false;
    report = children_.capture(task, child_budget(turn.deadline), turn);
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

/// By one more child when modules have to be loaded first, and by one that reads no memory when
/// that of some process did not answer.
Result<ServerSurvey> Worker::server(const SurveyRequest& request, Turn& turn) {
  SurveyTask task{.request = request, .ask_for_modules = true, .with_memory = true};
  auto report = children_.survey(task, memory_budget(turn.deadline), turn);
  if (report && report->need_modules) {
    if (const auto mappings = parse_maps(report->maps))
      children_.load_modules(report->mapped, *mappings);
    task.ask_for_modules = false;
    report = children_.survey(task, memory_budget(turn.deadline), turn);
  }
  if (!report && report.error().code == Errc::timeout && !children_.stuck()) {
    task.with_memory = false;
    report = children_.survey(task, child_budget(turn.deadline), turn);
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

/// By two children: the end of the first lets the target go, and the second looks how it is then.
Result<SyscallTrace> Worker::trace(const TraceRequest& request, Turn& turn) {
  if (request.pid <= 0) return Error{Errc::malformed, "no such pid"};
  if (request.duration_ms < kMinTraceMs || request.duration_ms > kMaxTraceMs) {
    return Error{Errc::refused, "a trace lasts 100 ms to 60 s"};
  }
  if (milliseconds(request.duration_ms) + kTraceMargin > child_budget(turn.deadline)) {
    return Error{Errc::refused, "the trace needs more than the deadline leaves"};
  }
  auto report = children_.trace(request, child_budget(turn.deadline), turn);
  if (!report) return report.error();
  if (report->failure) return Error{report->failure->code, report->failure->context};
  const auto after = children_.look_after_trace(request, child_budget(turn.deadline), turn);
  if (after && !after->failure) {
    report->trace.state_after = after->trace.state_after;
    report->trace.tracer_after = after->trace.tracer_after;
  }
  return std::move(report->trace);
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
