#include "collectors/trace/tracee.h"

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

namespace pghang {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
constexpr int kSyscallStop = SIGTRAP | 0x80;

/// TRACESYSGOOD is more than a convenience: of a tracer that dies while its tracee is in a system
/// call's stop, the kernel sends the stop's number as a signal. SIGTRAP would end the tracee;
/// SIGTRAP | 0x80 is no signal. There is no EXITKILL.
constexpr std::uintptr_t kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC;

bool stops_a_process(int signal) {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

int call(__ptrace_request request, pid_t pid, std::uintptr_t data) {
  return ::ptrace(request, pid, nullptr, data) == 0 ? 0 : errno;
}

/// Until SIGCHLD comes; false when the time is over.
bool sleep_until_told(std::int64_t until) {
  const std::int64_t left = until - monotonic_nanos();
  if (left <= 0) return false;
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  const timespec timeout{.tv_sec = left / kNanosPerSecond, .tv_nsec = left % kNanosPerSecond};
  ::sigtimedwait(&child, nullptr, &timeout);
  return true;
}

}  // namespace

std::int64_t monotonic_nanos() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * kNanosPerSecond + now.tv_nsec;
}

int Tracee::seize() const {
  return call(PTRACE_SEIZE, pid_, kOptions);
}

int Tracee::interrupt() const {
  return call(PTRACE_INTERRUPT, pid_, 0);
}

int Tracee::resume(int signal) const {
  return call(PTRACE_SYSCALL, pid_, static_cast<std::uintptr_t>(signal));
}

int Tracee::listen() const {
  return call(PTRACE_LISTEN, pid_, 0);
}

int Tracee::detach(int signal) const {
  return call(PTRACE_DETACH, pid_, static_cast<std::uintptr_t>(signal));
}

std::optional<TraceeStop> Tracee::wait(std::int64_t until) const {
  constexpr int kLook = WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL;
  do {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, kLook) != 0) {
      if (errno == EINTR) continue;
      return TraceeStop{.kind = StopKind::ended};  // no tracee any more
    }
    if (info.si_pid != pid_) continue;
    if (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED) return classify(info.si_status);
    // Its parent hears of the end only when its tracer has.
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | __WALL);
    return TraceeStop{.kind = StopKind::ended};
  } while (sleep_until_told(until));
  return std::nullopt;
}

/// `status` is the low byte of a signal or trap, and the event above it (ptrace(2)).
TraceeStop Tracee::classify(int status) const {
  const int signal = status & 0xff;
  const int event = status >> 8;
  if (event == PTRACE_EVENT_EXEC) return {.kind = StopKind::exec};
  if (event == PTRACE_EVENT_STOP)
    return {.kind = stops_a_process(signal) ? StopKind::group_stop : StopKind::trap};
  if (event != 0) return {.kind = StopKind::trap};
  if (signal != kSyscallStop) return {.kind = StopKind::signal, .signal = signal};

  __ptrace_syscall_info info{};
  const long got = ::ptrace(PTRACE_GET_SYSCALL_INFO, pid_, sizeof info, &info);
  if (got <= 0) return {.kind = StopKind::trap};  // it is being killed: the next look tells
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
    return {.kind = StopKind::entry, .number = static_cast<long>(info.entry.nr)};
  if (info.op == PTRACE_SYSCALL_INFO_EXIT)
    return {.kind = StopKind::exit, .result = info.exit.rval};
  return {.kind = StopKind::trap};
}

}  // namespace pghang
