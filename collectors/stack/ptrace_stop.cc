#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <system_error>
#include <thread>

#include "collectors/process/check_process.h"
#include "collectors/process/target_memory.h"
#include "collectors/stack/held_stack.h"
#include "collectors/stack/stack_capture.h"
#include "collectors/stack/stack_copy.h"

namespace pghang {

namespace {

constexpr std::int64_t kNanosPerMilli = 1'000'000;
constexpr double kNanosPerMicro = 1000;
/// A stop usually arrives within 20 us; being woken for it takes longer than that (DESIGN).
constexpr std::int64_t kSpinNanos = 100'000;
constexpr long kSleepNanos = 50'000;

/// Blocks SIGCHLD while it lives: a stop that comes while we sleep then ends the sleep.
class AwaitedStop {
 public:
  AwaitedStop() {
    ::sigemptyset(&child_);
    ::sigaddset(&child_, SIGCHLD);
    ::pthread_sigmask(SIG_BLOCK, &child_, &before_);
  }

  AwaitedStop(const AwaitedStop&) = delete;
  AwaitedStop& operator=(const AwaitedStop&) = delete;

  ~AwaitedStop() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  /// Sleeps until something may have stopped, kSleepNanos at most: what was seen running before is
  /// known not to be held for longer than that.
  void sleep() const {
    const timespec pause{0, kSleepNanos};
    ::sigtimedwait(&child_, nullptr, &pause);
  }

 private:
  sigset_t child_{};
  sigset_t before_{};
};

std::int64_t now_nanos() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Error from_errno(const char* what, int number) {
  const std::string context = std::string(what) + ": " + std::generic_category().message(number);
  switch (number) {
    case ESRCH: return {Errc::not_found, context};
    case EPERM:
    case EACCES: return {Errc::permission_denied, context + " (needs CAP_SYS_PTRACE)"};
    default: return {Errc::io, context};
  }
}

/// Everything taken while the target stands still. Sized before: nothing is allocated in between.
struct Held {
  user_regs_struct registers{};
  std::int64_t last_seen_running = 0;  ///< CLOCK_MONOTONIC, nanoseconds
  std::int64_t released = 0;
  int error = 0;  ///< errno of the first call that failed
};

/// An attachment by SEIZE. A tracee can be detached only while it is stopped; what is not detached
/// here is by the end of this thread.
class Tracee {
 public:
  explicit Tracee(pid_t pid) : pid_(pid) {}

  [[nodiscard]] int seize() const { return call(PTRACE_SEIZE, 0); }

  [[nodiscard]] int interrupt() const { return call(PTRACE_INTERRUPT, 0); }

  [[nodiscard]] int detach(int signal) const {
    return call(PTRACE_DETACH, static_cast<std::uintptr_t>(signal));
  }

  [[nodiscard]] int registers(user_regs_struct& out) const {
    iovec vector{&out, sizeof out};
    return ::ptrace(PTRACE_GETREGSET, pid_, NT_PRSTATUS, &vector) == 0 ? 0 : errno;
  }

 private:
  [[nodiscard]] int call(__ptrace_request request, std::uintptr_t data) const {
    return ::ptrace(request, pid_, nullptr, data) == 0 ? 0 : errno;
  }

  pid_t pid_;
};

/// What became of the wait for a stop.
struct Stop {
  bool ended = false;       ///< the process ended instead
  int returned_signal = 0;  ///< to hand back at DETACH
};

/// A signal-delivery-stop took the signal out of the target's queue. In a PTRACE_EVENT_STOP (ours,
/// or a group stop) there is none, and a group stop stays one.
int signal_to_return(int code) {
  return code >> 8 == PTRACE_EVENT_STOP ? 0 : code;
}

/// Waits for the stop; nothing when the deadline passed. Looks without taking (WNOWAIT): if we die
/// before DETACH, the kernel delivers the signal that such a stop holds, which a wait that takes
/// the stop would have lost.
std::optional<Stop>
wait_for_stop(pid_t pid, const AwaitedStop& stop, std::int64_t deadline, Held& held) {
  constexpr int look = WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL;
  const std::int64_t spin_until = held.last_seen_running + kSpinNanos;
  while (true) {
    const std::int64_t asked = now_nanos();
    siginfo_t info{};
    const int failed = ::waitid(P_PID, static_cast<id_t>(pid), &info, look);
    if (failed != 0 && errno != EINTR) {
      held.error = errno;
      return std::nullopt;
    }
    if (failed == 0 && info.si_pid == pid) {
      if (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED) {
        return Stop{.returned_signal = signal_to_return(info.si_status)};
      }
      // Its parent hears of the end only when its tracer has.
      ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | __WALL);
      return Stop{.ended = true};
    }
    held.last_seen_running = asked;
    if (asked >= deadline) return std::nullopt;
    if (asked >= spin_until) {
      stop.sleep();
    }
  }
}

StackSnapshot to_snapshot(ProcessKey key, const HeldStack& stack, const Held& held) {
  const user_regs_struct& r = held.registers;
  StackSnapshot snapshot;
  snapshot.key = key;
  snapshot.method = CaptureMethod::ptrace_stop;
  snapshot.held_micros =
      static_cast<double>(held.released - held.last_seen_running) / kNanosPerMicro;
  // Outside a system call orig_rax is negative.
  snapshot.in_syscall = static_cast<std::int64_t>(r.orig_rax) >= 0;
  snapshot.registers = {
      r.rax,
      r.rdx,
      r.rcx,
      r.rbx,
      r.rsi,
      r.rdi,
      r.rbp,
      r.rsp,
      r.r8,
      r.r9,
      r.r10,
      r.r11,
      r.r12,
      r.r13,
      r.r14,
      r.r15,
      r.rip};
  snapshot.stack_start = stack.range().start;
  snapshot.stack = stack.bytes();
  snapshot.stack_truncated = stack.truncated();
  return snapshot;
}

Result<StackSnapshot> hold(
    const ProcFs& proc,
    ProcessKey key,
    const std::vector<Mapping>& mappings,
    std::chrono::milliseconds deadline,
    const CapturePointListener& listener
) {
  const auto at = [&](CapturePoint point) {
    if (listener) listener(point);
  };
  if (const auto fit = check_stoppable(proc, key); !fit) return fit.error();
  const ProcessMemory memory(key.pid);
  HeldStack stack(memory, mappings);
  if (!stack.ready()) return Error{Errc::io, "no memory for a copy of the stack"};
  const AwaitedStop awaited;

  at(CapturePoint::before_seize);
  Held held;
  held.last_seen_running = now_nanos();
  const Tracee tracee(key.pid);
  if (const int error = tracee.seize(); error != 0) return from_errno("PTRACE_SEIZE", error);
  // From here on the pid cannot be reused: a tracee's pid is free only after its tracer has seen it
  // die. Another process is left without a stop, by the end of this thread.
  if (const auto same = check_identity(proc, key); !same) return same.error();

  const std::int64_t give_up = now_nanos() + deadline.count() * kNanosPerMilli;
  if (const int error = tracee.interrupt(); error != 0) {
    return from_errno("PTRACE_INTERRUPT", error);
  }
  at(CapturePoint::after_interrupt);
  const auto stop = wait_for_stop(key.pid, awaited, give_up, held);
  if (!stop) {
    if (held.error != 0) return from_errno("waitid", held.error);
    return Error{Errc::timeout, "the process did not stop in time"};
  }
  if (stop->ended) return Error{Errc::not_found, "the process ended"};

  at(CapturePoint::while_stopped);
  held.error = tracee.registers(held.registers);
  const bool copied = held.error == 0 && stack.copy(held.registers.rsp);
  const int detach_error = tracee.detach(stop->returned_signal);
  held.released = now_nanos();
  at(CapturePoint::after_detach);

  if (detach_error != 0) return from_errno("PTRACE_DETACH", detach_error);
  if (held.error != 0) return from_errno("PTRACE_GETREGSET", held.error);
  if (!copied) return Error{Errc::io, "the stack could not be read"};
  stack.complete();
  return to_snapshot(key, stack, held);
}

/// A thread can be joined shortly before the kernel lets its tracee go.
void wait_until_let_go(const ProcFs& proc, pid_t pid, pid_t tracer) {
  constexpr int looks = 100;
  for (int i = 0; i < looks; ++i) {
    const auto text = proc.read(pid, "status");
    const auto status = text ? parse_status(*text) : Result<ProcStatus>(text.error());
    if (!status || status->tracer_pid != tracer) return;
    const timespec pause{0, kSleepNanos};
    ::nanosleep(&pause, nullptr);
  }
}

}  // namespace

// In a thread of its own: a process that did not stop cannot be detached by a call, but it is when
// the thread that traces it ends. Else it would stop later, and stay so until we have looked at all
// the rest.
Result<StackSnapshot> capture_ptrace_stop(
    const ProcFs& proc,
    ProcessKey key,
    const std::vector<Mapping>& mappings,
    std::chrono::milliseconds deadline,
    const CapturePointListener& listener
) {
  Result<StackSnapshot> result = Error{Errc::io, "no thread for the stop"};
  pid_t tracer = 0;
  try {
    std::thread([&] {
      tracer = ::gettid();
      result = hold(proc, key, mappings, deadline, listener);
    }).join();
  } catch (const std::system_error& error) {
    return Error{Errc::io, std::string("a thread for the stop: ") + error.what()};
  }
  if (!result) wait_until_let_go(proc, key.pid, tracer);
  return result;
}

}  // namespace pghang
