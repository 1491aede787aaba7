#include "collectors/sampler/capture_builder.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "collectors/evidence/codec.h"
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

void cut_related(std::vector<RelatedProcess>& list, const char* name, Capture& capture) {
  if (list.size() <= kMaxRelated) return;
  const std::string left_out = std::to_string(list.size() - kMaxRelated);
  list.resize(kMaxRelated);
  capture.missing.push_back({name, left_out + " more are not listed", ""});
}

}  // namespace

Capture
build_capture(ChildReport report, const CaptureRequest& request, const ModuleSource& modules) {
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
  report_deleted_modules(report.mappings, modules, capture);
  return capture;
}

bool worth_stopping(const Capture& capture, const CaptureRequest& request, bool stopped_before) {
  return request.allow_ptrace_stop && !stopped_before && !capture.gone &&
         !capture.samples.empty() && capture.samples.back().state == ProcessState::sleeping &&
         !capture.samples.back().frozen && capture.stack.method == CaptureMethod::in_place &&
         !capture.stack.complete;
}

void take_better_stack(
    Capture& capture,
    ChildReport stop,
    const CaptureRequest& request,
    const ModuleSource& modules
) {
  if (stop.failure || stop.capture.gone) return;
  for (Missing& missing : stop.capture.missing)
    capture.missing.push_back(std::move(missing));
  if (stop.stacks.empty()) return;
  StackTrace stack = std::move(unwind_all(stop, modules).front());
  const bool better = stack.complete || stack.frames.size() > capture.stack.frames.size();
  if (!better) {
    // The process was held all the same, and every hold is accounted for.
    capture.stack.held_micros += stack.held_micros;
    return;
  }
  capture.stack = std::move(stack);
  if (request.keep_snapshot) capture.snapshot = kept(stop.stacks.front(), stop.mappings);
  capture.samples.back().stack_id = stack_id(capture.stack);
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
  const std::size_t all = capture.stack.frames.size();
  while (body.size() > room && !capture.stack.frames.empty()) {
    capture.stack.frames.resize(capture.stack.frames.size() * 3 / 4);
    capture.stack.complete = false;
    capture.stack.stop_reason =
        std::to_string(all - capture.stack.frames.size()) + " outer frames left out: answer full";
    body = codec::encode(capture);
  }
  if (body.size() > room) return encode_failure(id, {Errc::io, "the capture is too large to send"});
  return encode_message({.type = MessageType::captured, .id = id}, body);
}

}  // namespace pghang::sampler
