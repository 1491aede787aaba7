#pragma once

#include <string>
#include <string_view>

#include "collectors/process/procfs.h"

namespace pghang {

/// The kernel function a process sleeps in; empty while it runs, and where we may not know it (the
/// file then reads `0` either way).
[[nodiscard]] std::string read_wchan(const ProcFs& proc, pid_t pid);

/// Whether it is where open() of a FIFO waits until somebody opens the other end.
[[nodiscard]] bool waits_for_partner(std::string_view wchan);

/// Whether that function is one of fs/pipe.c, so that a path without a kind must be a FIFO's.
[[nodiscard]] bool waits_in_pipe(std::string_view wchan);

/// Whether it is where a writer waits for a frozen file system (sb_start_write() of fs.h).
[[nodiscard]] bool waits_for_thaw(std::string_view wchan);

}  // namespace pghang
