#include "diagnosis/place.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "diagnosis/fingerprint.h"
#include "diagnosis/text.h"

namespace pghang {
namespace {

/// Names that say that somebody waits, or opens, but not for what.
constexpr auto kMereWaits = std::to_array<std::string_view>(
    {"AllocateFile",
     "BasicOpenFile",
     "BasicOpenFilePerm",
     "ConditionVariableSleep",
     "ConditionVariableTimedSleep",
     "FileRead",
     "FileWrite",
     "LWLockAcquire",
     "LWLockAcquireOrWait",
     "OpenPipeStream",
     "OpenTransientFile",
     "OpenTransientFilePerm",
     "PGSemaphoreLock",
     "PathNameOpenFile",
     "PathNameOpenFilePerm",
     "ProcWaitForSignal",
     "WaitEventSetWait",
     "WaitLatch",
     "WaitLatchOrSocket",
     "pg_usleep"}
);

bool is_postgres(const Frame& frame) {
  return text::base_name(frame.module) == "postgres";
}

/// libc and the loader belong to whoever calls them.
bool is_library(const Frame& frame) {
  if (frame.module.empty() || frame.module.front() != '/') return false;
  const std::string name = text::base_name(frame.module);
  return !is_postgres(frame) && !name.starts_with("libc.so") && !name.starts_with("libc-") &&
         !name.starts_with("ld-") && !name.starts_with("libpthread");
}

/// The libraries between the innermost frame and the first of PostgreSQL's own, outermost first.
std::string library_chain(const std::vector<Frame>& frames) {
  std::vector<std::string> chain;
  for (const Frame& frame : frames) {
    if (is_postgres(frame)) break;
    if (!is_library(frame)) continue;
    std::string name = text::base_name(frame.module);
    if (std::ranges::find(chain, name) == chain.end()) chain.push_back(std::move(name));
  }
  std::ranges::reverse(chain);
  return text::join(chain, " → ");
}

std::string telling_function(const std::vector<Frame>& frames) {
  for (const Frame& frame : frames) {
    if (!is_postgres(frame) || !frame.function || frame.kind == FrameKind::plt) continue;
    if (frame.inlined) continue;
    std::string name = normalised_name(*frame.function);
    if (std::ranges::find(kMereWaits, name) == kMereWaits.end()) return name;
  }
  return {};
}

std::string kernel_function(const Capture& capture) {
  if (!capture.kernel_stack.empty())
    return capture.kernel_stack.front().substr(0, capture.kernel_stack.front().find('+'));
  return capture.wchan == "0" ? std::string() : capture.wchan;
}

std::string call_of(const Capture& capture) {
  if (capture.syscall) return short_call(*capture.syscall);
  const auto& frames = capture.stack.frames;
  const auto top = std::ranges::find(frames, false, &Frame::inlined);
  if (top != frames.end() && top->function && !is_postgres(*top) && !is_library(*top))
    return normalised_name(*top->function) + "()";
  const std::string kernel = kernel_function(capture);
  return kernel.empty() ? kernel : "the kernel (" + kernel + ")";
}

std::string caller_of(const Place& place) {
  if (!place.modules.empty()) return place.modules;
  return place.function;
}

std::string phrase_of(const Place& place, const Evidence& evidence, bool running) {
  const std::string caller = caller_of(place);
  if (running)
    return caller.empty() ? "is on CPU, where exactly could not be read" : "runs in " + caller;
  if (place.call.empty() && caller.empty()) return "waits, where exactly could not be read";
  std::string phrase = "waits in ";
  if (place.call.empty()) {
    phrase += caller;
  } else {
    phrase += place.call;
    if (!caller.empty()) phrase += ", called from " + caller;
  }
  const auto& activity = evidence.activity;
  if (activity && activity->wait_event_type && activity->wait_event)
    phrase += " (wait event " + *activity->wait_event_type + "/" + *activity->wait_event + ")";
  return phrase;
}

}  // namespace

std::string short_call(const Syscall& syscall) {
  std::string call = syscall.name + "(";
  if (!syscall.path.empty()) {
    call += '"' + text::printable(syscall.path) + '"';
  } else if (syscall.fd) {
    const bool named = syscall.fd->kind == FdKind::file || syscall.fd->kind == FdKind::fifo ||
                       syscall.fd->kind == FdKind::directory || syscall.fd->kind == FdKind::device;
    call += named ? '"' + text::printable(syscall.fd->target) + '"'
                  : std::to_string(syscall.fd->number);
  }
  return call + ")";
}

Place place_of(const Evidence& evidence, const Facts& facts) {
  const Capture& capture = evidence.capture;
  Place place;
  place.function = telling_function(capture.stack.frames);
  place.modules = library_chain(capture.stack.frames);
  if (!facts.running) place.call = call_of(capture);
  place.phrase = phrase_of(place, evidence, facts.running);
  return place;
}

}  // namespace pghang
