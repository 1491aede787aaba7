#include "collectors/evidence/stack_trace.h"
#include "collectors/evidence/syscall.h"
#include "collectors/evidence/syscall_trace.h"

namespace pghang {

const char* to_string(FdKind kind) {
  switch (kind) {
    case FdKind::file: return "file";
    case FdKind::directory: return "directory";
    case FdKind::pipe: return "pipe";
    case FdKind::fifo: return "fifo";
    case FdKind::socket: return "socket";
    case FdKind::eventpoll: return "eventpoll";
    case FdKind::eventfd: return "eventfd";
    case FdKind::signalfd: return "signalfd";
    case FdKind::timerfd: return "timerfd";
    case FdKind::pidfd: return "pidfd";
    case FdKind::device: return "device";
    case FdKind::other: return "other";
    case FdKind::io_uring: return "io_uring";
    case FdKind::inotify: return "inotify";
    case FdKind::memfd: return "memfd";
  }
  return "other";
}

const char* to_string(CaptureMethod method) {
  switch (method) {
    case CaptureMethod::in_place: return "in_place";
    case CaptureMethod::ptrace_stop: return "ptrace_stop";
    case CaptureMethod::kernel_only: return "kernel_only";
  }
  return "kernel_only";
}

const char* to_string(FrameKind kind) {
  switch (kind) {
    case FrameKind::normal: return "normal";
    case FrameKind::signal: return "signal";
    case FrameKind::plt: return "plt";
    case FrameKind::jit: return "jit";
    case FrameKind::vdso: return "vdso";
  }
  return "normal";
}

const char* to_string(RecoveredBy way) {
  switch (way) {
    case RecoveredBy::none: return "none";
    case RecoveredBy::direct_call: return "direct_call";
    case RecoveredBy::indirect_call: return "indirect_call";
    case RecoveredBy::tail_call: return "tail_call";
    case RecoveredBy::signal: return "signal";
  }
  return "none";
}

const char* to_string(TraceMethod method) {
  switch (method) {
    case TraceMethod::perf: return "perf";
    case TraceMethod::ptrace: return "ptrace";
  }
  return "ptrace";
}

const char* to_string(TraceEnd end) {
  switch (end) {
    case TraceEnd::duration: return "duration";
    case TraceEnd::stops: return "stops";
    case TraceEnd::held: return "held";
    case TraceEnd::exec: return "exec";
    case TraceEnd::exited: return "exited";
  }
  return "duration";
}

}  // namespace pghang
