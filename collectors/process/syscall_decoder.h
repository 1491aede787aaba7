#pragma once

#include <string>
#include <vector>

#include "collectors/evidence/syscall.h"
#include "collectors/process/parsers.h"
#include "collectors/process/syscall_names.h"
#include "collectors/process/target_memory.h"

namespace pghang {

/// A descriptor that a call waits for beside others, and for what: `POLLIN`; `read`, `write` and
/// `except` of select().
struct WaitedDescriptor {
  int number = -1;
  std::string events;
};

/// Name, arguments and text of the call, as strace prints them. Paths and small structures are read
/// from `memory`; buffers of read, write, send and recv print as address and length, never their
/// content. What cannot be read prints as an address. `fd` is left empty: describe_fd() fills it.
[[nodiscard]] Syscall decode_syscall(
    const SyscallLine& line,
    const TargetMemory& memory,
    SyscallTable table = kNativeTable
);

/// The number of the descriptor argument of a call, -1 when it has none.
[[nodiscard]] int descriptor_argument(const SyscallLine& line);

/// The one descriptor that a call waits for: its argument, or the only entry of poll's list or
/// select's sets. -1 when there is none, or several.
[[nodiscard]] int waited_descriptor(const SyscallLine& line, const TargetMemory& memory);

/// The descriptors of poll's list or select's sets where those are several; empty for other calls,
/// and where they cannot be read.
[[nodiscard]] std::vector<WaitedDescriptor>
waited_descriptors(const SyscallLine& line, const TargetMemory& memory);

/// flock(), or fcntl() with a command that waits for a lock.
[[nodiscard]] bool waits_for_file_lock(const SyscallLine& line);

/// What the first path argument of a call is relative to: AT_FDCWD, or a descriptor of the target.
[[nodiscard]] int path_base(const SyscallLine& line);

}  // namespace pghang
