#include "collectors/sampler/capture_builder.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "collectors/evidence/codec.h"
#include "collectors/stack/omission.h"
#include "collectors/stack/unwinder.h"

namespace pghang::sampler {
namespace {

/// A postmaster has as many children, and its log pipe as many holders, as there are connections.
constexpr std::size_t kMaxRelated = 256;
constexpr std::size_t kMaxTitleBytes = 4096;

/// FNV-1a over the frames' addresses; never 0.
std::uint64_t stack_id(const StackTrace& trace) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const Frame& frame : trace.frames) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
      hash = (hash ^ (frame.address >> shift & 0xffU)) * 0x100000001b3;
    }
  }
  hash = (hash ^ trace.omitted) * 0x100000001b3;
  return std::max<std::uint64_t>(hash, 1);
}

std::vector<StackTrace> unwind_all(ChildReport& report, const ModuleSource& modules) {
  std::vector<StackTrace> traces;
  traces.reserve(report.stacks.size());
  for (StackSnapshot& snapshot : report.stacks) {
    snapshot.mappings = std::move(report.mappings);
    traces.push_back(unwind(snapshot, modules));
    report.mappings = std::move(snapshot.mappings);
  }
  return traces;
}

std::string kept(StackSnapshot snapshot, const std::vector<Mapping>& mappings) {
  snapshot.mappings = mappings;
  return encode_snapshot(snapshot);
}

/// An upgrade deletes libraries under a running server: /proc/PID/map_files still leads to them,
/// with the capability that proc(5) names. Told once per file, whether it is on the stack or not.
void report_deleted_modules(
    const std::vector<Mapping>& mappings,
    const ModuleSource& modules,
    Capture& capture
) {
  std::set<std::string_view> told;
  for (const Mapping& mapping : mappings) {
    if (!mapping.executable || !mapping.deleted || modules.module_of(mapping) != nullptr) continue;
    if (!told.insert(mapping.path).second) continue;
    capture.missing.push_back(
        {"module", mapping.path + " was deleted since it was loaded", "CAP_CHECKPOINT_RESTORE"}
    );
  }
}

/// Classes of a wait_event_info word (PostgreSQL's wait_event.h), the same in every version.
constexpr std::uint32_t kLwLockClass = 0x01;
constexpr std::uint32_t kBufferPinClass = 0x04;

bool on_stack(const Capture& capture, std::string_view function) {
  const auto& frames = capture.stack.frames;
  return std::any_of(frames.begin(), frames.end(), [function](const Frame& frame) {
    return frame.function == function;
  });
}

/// write_pipe_chunks() of elog.c writes to the standard error output.
bool writes_to_log(const Capture& capture) {
  if (on_stack(capture, "write_pipe_chunks")) return true;
  const auto& call = capture.syscall;
  return call && call->name.starts_with("write") && call->fd && call->fd->number == 2 &&
         (call->fd->kind == FdKind::pipe || call->fd->kind == FdKind::fifo);
}

/// `wal sender process` before 14.
bool is_walsender(const Capture& capture) {
  return capture.title.find(": walsender ") != std::string::npos ||
         capture.title.find(": wal sender ") != std::string::npos;
}

void cut_related(std::vector<RelatedProcess>& list, const char* name, Capture& capture) {
  if (list.size() <= kMaxRelated) return;
  const std::string left_out = std::to_string(list.size() - kMaxRelated);
  list.resize(kMaxRelated);
  capture.missing.push_back({name, left_out + " more are not listed", ""});
}

}  // namespace

const StackSnapshot* last_stack(const ChildReport& report) {
  const std::uint32_t last = report.stack_of_sample.empty() ? 0 : report.stack_of_sample.back();
  return last == 0 || last > report.stacks.size() ? nullptr : &report.stacks[last - 1];
}

Capture
build_capture(ChildReport& report, const CaptureRequest& request, const ModuleSource& modules) {
  Capture capture = std::move(report.capture);
  std::vector<StackTrace> traces = unwind_all(report, modules);
  std::uint32_t last = 0;
  for (std::size_t i = 0; i < capture.samples.size(); ++i) {
    last = i < report.stack_of_sample.size() ? report.stack_of_sample[i] : 0;
    if (last > traces.size()) last = 0;
    if (last != 0) capture.samples[i].stack_id = stack_id(traces[last - 1]);
  }
  if (last != 0) {
    capture.stack = std::move(traces[last - 1]);
    if (request.keep_snapshot) capture.snapshot = kept(report.stacks[last - 1], report.mappings);
  }
  capture.stack.held_micros = 0;
  for (const Sample& sample : capture.samples)
    capture.stack.held_micros += sample.held_micros;
  report_deleted_modules(report.mappings, modules, capture);
  return capture;
}

bool worth_stopping(const Capture& capture, const CaptureRequest& request, bool stopped_before) {
  return request.allow_ptrace_stop && !stopped_before && !capture.gone &&
         !capture.samples.empty() && capture.samples.back().state == ProcessState::sleeping &&
         !capture.samples.back().frozen && capture.stack.method == CaptureMethod::in_place &&
         !capture.stack.complete && capture.stack.wants_registers;
}

bool take_better_stack(
    Capture& capture,
    ChildReport& stop,
    const CaptureRequest& request,
    const ModuleSource& modules
) {
  if (stop.failure || stop.capture.gone) return false;
  for (Missing& missing : stop.capture.missing)
    capture.missing.push_back(std::move(missing));
  if (stop.stacks.empty()) return false;
  StackTrace stack = std::move(unwind_all(stop, modules).front());
  const bool better = stack.complete || stack.frames.size() > capture.stack.frames.size();
  // It was held whichever is taken, and every hold is accounted for.
  capture.samples.back().held_micros += stack.held_micros;
  stack.held_micros += capture.stack.held_micros;
  if (!better) {
    capture.stack.held_micros = stack.held_micros;
    return false;
  }
  capture.stack = std::move(stack);
  if (request.keep_snapshot) capture.snapshot = kept(stop.stacks.front(), stop.mappings);
  capture.samples.back().stack_id = stack_id(capture.stack);
  return true;
}

bool worth_surveying(const Capture& capture) {
  if (capture.gone || !capture.postgres || capture.samples.empty()) return false;
  const Sample& latest = capture.samples.back();
  if (latest.state != ProcessState::sleeping || latest.frozen) return false;
  const InterruptFlags& flags = latest.flags;
  const std::uint32_t wait_class = flags.wait_event_info.value_or(0) >> 24U;
  return flags.interrupt_holdoff_count.value_or(0) > 0 ||
         flags.crit_section_count.value_or(0) > 0 || wait_class == kLwLockClass ||
         wait_class == kBufferPinClass || writes_to_log(capture) ||
         on_stack(capture, "WaitForProcSignalBarrier") || is_walsender(capture);
}

void take_survey(Capture& capture, Result<ChildReport> survey) {
  if (survey && survey->failure) survey = Error{survey->failure->code, survey->failure->context};
  if (!survey) {
    capture.missing.push_back({"cluster", survey.error().context, ""});
    return;
  }
  capture.cluster = std::move(survey->capture.cluster);
  for (Missing& missing : survey->capture.missing)
    capture.missing.push_back(std::move(missing));
}

std::string encode_capture(std::uint64_t id, Capture capture) {
  const std::size_t room = kMaxMessageBytes - kHeaderBytes;
  std::string body = codec::encode(capture);
  if (body.size() > room && !capture.snapshot.empty()) {
    capture.missing.push_back(
        {"stack_memory",
         std::to_string(capture.snapshot.size()) + " bytes are more than an answer holds",
         ""}
    );
    capture.snapshot.clear();
    body = codec::encode(capture);
  }
  if (body.size() > room) {
    if (capture.title.size() > kMaxTitleBytes) capture.title.resize(kMaxTitleBytes);
    cut_related(capture.children, "children", capture);
    if (capture.syscall && capture.syscall->fd) {
      cut_related(capture.syscall->fd->peers, "peers", capture);
    }
    body = codec::encode(capture);
  }
  if (body.size() > room && !capture.cluster.empty()) {
    const std::size_t surveyed = capture.cluster.size();
    while (body.size() > room && !capture.cluster.empty()) {
      capture.cluster.resize(capture.cluster.size() * 3 / 4);
      body = codec::encode(capture);
    }
    const std::string left_out = std::to_string(surveyed - capture.cluster.size());
    capture.missing.push_back({"cluster", left_out + " more are not listed", ""});
    body = codec::encode(capture);
  }
  while (body.size() > room && !capture.stack.frames.empty()) {
    keep_ends(capture.stack, capture.stack.frames.size() * 3 / 4);
    body = codec::encode(capture);
  }
  if (body.size() > room) return encode_failure(id, {Errc::io, "the capture is too large to send"});
  return encode_message({.type = MessageType::captured, .id = id}, body);
}

}  // namespace pghang::sampler
