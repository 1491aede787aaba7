#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "collectors/process/procfs.h"
#include "collectors/stack/snapshot.h"

/// Runs in a capture child only: the one place that touches the target's stack.
namespace pghang {

/// Places at which a test may end a process. Production passes no listener.
enum class CapturePoint { before_seize, after_interrupt, while_stopped, after_detach };
using CapturePointListener = std::function<void(CapturePoint)>;

/// At most this much of a live stack is copied.
inline constexpr std::size_t kMaxStackBytes = std::size_t{256} * 1024;

/// A buffer for the copy, allocated, touched and (where allowed) locked before anything is stopped.
class StackBuffer {
 public:
  StackBuffer();
  StackBuffer(const StackBuffer&) = delete;
  StackBuffer& operator=(const StackBuffer&) = delete;
  ~StackBuffer();

  [[nodiscard]] std::byte* data() const { return data_; }

  [[nodiscard]] static constexpr std::size_t size() { return kMaxStackBytes; }

 private:
  std::byte* data_ = nullptr;
};

/// Method `in_place`: reads SP and PC from /proc/PID/syscall, copies [sp-128, end of the stack
/// mapping), reads syscall and switch counters again; when they changed, tries again, at most 3
/// times. Never stops the target. Errors: busy (it runs, or the state kept changing), not_found,
/// permission_denied, identity_changed, io.
[[nodiscard]] Result<StackSnapshot> capture_in_place(
    const ProcFs& proc,
    ProcessKey key,
    const std::vector<Mapping>& mappings,
    StackBuffer& buffer
);

/// Method `ptrace_stop`: PTRACE_SEIZE, PTRACE_INTERRUPT, wait at most `deadline` (spins the first
/// 100 us), GETREGSET, one read of [sp-128, end of the stack mapping), PTRACE_DETACH with signal 0
/// or the signal that the stop carried. Refuses states D, T, t, Z and frozen. The caller runs
/// SCHED_FIFO where it may. A target that does not stop cannot be detached: after `timeout` the
/// caller must soon exit, which detaches it; until then it would stay stopped once it stops.
/// After every other result it is detached, or was never attached. held_micros runs
/// from the last look that found it not stopped yet to the return of PTRACE_DETACH. Errors: refused
/// (state), timeout, not_found, permission_denied, identity_changed, io.
[[nodiscard]] Result<StackSnapshot> capture_ptrace_stop(
    const ProcFs& proc,
    ProcessKey key,
    const std::vector<Mapping>& mappings,
    StackBuffer& buffer,
    std::chrono::milliseconds deadline,
    const CapturePointListener& listener
);

}  // namespace pghang
