#pragma once

#include <string_view>

#include "collectors/process/procfs.h"

namespace pghang {

/// Whether the cgroup of a process is frozen: `freezer.state` of the v1 controller, or `frozen` in
/// `cgroup.events` of v2 (kernel Documentation, cgroup-v1/freezer-subsystem.rst and cgroup-v2.rst);
/// both also tell of a frozen ancestor. A cgroup freezes task by task and stays `FREEZING` for as
/// long as one task sits in D; then `wchan` may tell that this task is frozen already. On newer
/// kernels it does not (6.18: a task frozen by v1 keeps the function it slept in, one frozen by v2
/// reads `get_signal`), and the answer is that of the cgroup: not yet.
/// Errors: those of reading /proc/PID/cgroup or the cgroup's file. No freezer mounted: not frozen.
[[nodiscard]] Result<bool> is_frozen(const ProcFs& proc, pid_t pid, std::string_view wchan);

}  // namespace pghang
