#pragma once

#include "collectors/evidence/syscall.h"
#include "collectors/process/parsers.h"
#include "collectors/process/target_memory.h"

namespace pghang {

/// Name, arguments and text of the call, as strace prints them. Paths and small structures are read
/// from `memory`; buffers of read, write, send and recv print as address and length, never their
/// content. What cannot be read prints as an address. `fd` is left empty: describe_fd() fills it.
[[nodiscard]] Syscall decode_syscall(const SyscallLine& line, const TargetMemory& memory);

/// The number of the descriptor argument of a call, -1 when it has none.
[[nodiscard]] int descriptor_argument(const SyscallLine& line);

/// The one descriptor that a call waits for: its argument, or the only entry of poll's list or
/// select's sets. -1 when there is none, or several.
[[nodiscard]] int waited_descriptor(const SyscallLine& line, const TargetMemory& memory);

/// What the first path argument of a call is relative to: AT_FDCWD, or a descriptor of the target.
[[nodiscard]] int path_base(const SyscallLine& line);

}  // namespace pghang
