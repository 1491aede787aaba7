#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "collectors/process/procfs.h"
#include "collectors/stack/snapshot.h"

/// Runs in a capture child only: the one place that touches the target's stack. The snapshots come
/// without mappings: a caller that wants them inside has them, and there are hundreds.
namespace pghang {

/// Places at which a test may end a process. Production passes no listener.
enum class CapturePoint { before_seize, after_interrupt, while_stopped, after_detach };
using CapturePointListener = std::function<void(CapturePoint)>;

/// At most this much of a live stack is copied: as much as Linux gives a process by default.
inline constexpr std::size_t kMaxStackBytes = std::size_t{8} << 20U;
/// At most this much of it while the process is held.
inline constexpr std::size_t kMaxHeldBytes = std::size_t{256} * 1024;

/// Method `in_place`: reads SP and PC from /proc/PID/syscall, copies [sp-128, end of the stack
/// mapping), reads syscall and schedstat (or the switch counters) again; when they changed, tries
/// again, at most 3 times, and adds to `torn` how often. Never stops the target. Errors: busy (it
/// runs, or ran on every attempt), not_found, permission_denied, identity_changed, io.
[[nodiscard]] Result<StackSnapshot> capture_in_place(
    const ProcFs& proc,
    ProcessKey key,
    const std::vector<Mapping>& mappings,
    std::uint32_t& torn
);

/// Method `ptrace_stop`: PTRACE_SEIZE, PTRACE_INTERRUPT, wait at most `deadline` (spins the first
/// 100 us), GETREGSET, one read of [sp-128, end of the stack mapping) and at most kMaxHeldBytes,
/// PTRACE_DETACH with signal 0 or the signal that the stop carried. What of a deeper stack lies
/// behind that is read before and after, and kept where it did not change. Refuses states D, T, t,
/// Z and frozen. The caller runs SCHED_FIFO where it may. After every result, `timeout` included,
/// the target is detached, or was never attached.
/// held_micros is an upper bound: from the last moment that it was not stopped yet for sure (the
/// call of PTRACE_INTERRUPT, or the last look that found it running) to the return of
/// PTRACE_DETACH. Errors: refused (state), timeout, not_found, permission_denied, identity_changed,
/// io.
[[nodiscard]] Result<StackSnapshot> capture_ptrace_stop(
    const ProcFs& proc,
    ProcessKey key,
    const std::vector<Mapping>& mappings,
    std::chrono::milliseconds deadline,
    const CapturePointListener& listener
);

}  // namespace pghang
