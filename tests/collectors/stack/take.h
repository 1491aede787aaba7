#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "collectors/stack/stack_capture.h"
#include "collectors/stack/unwinder.h"

/// Looking at a live process the way sampler and worker do.
namespace pghang::test {

[[nodiscard]] ProcessKey key_of(pid_t pid);
[[nodiscard]] std::vector<Mapping> mappings_of(pid_t pid);
[[nodiscard]] ProcessState state_of(pid_t pid);
/// Waits, at most 10 s, until the process is in `state`.
[[nodiscard]] bool wait_for_state(pid_t pid, ProcessState state);

[[nodiscard]] Result<StackSnapshot> take_in_place(pid_t pid);
[[nodiscard]] Result<StackSnapshot> take_ptrace_stop(pid_t pid);
/// in_place, and ptrace_stop where the process runs.
[[nodiscard]] Result<StackSnapshot> take(pid_t pid);

/// Debug files below `debug_root` of this machine.
[[nodiscard]] DebugPlaces places_of(const std::string& debug_root);

/// Unwinds with the modules of the process. `debug_root` as ModuleCache has it.
[[nodiscard]] StackTrace
trace_of(const StackSnapshot& snapshot, const std::string& debug_root = "/usr/lib/debug");

}  // namespace pghang::test
