#pragma once

#include <string>

namespace pghang {

/// Which numbers a process uses: those of its architecture.
enum class SyscallTable {
  x86_64,   ///< arch/x86/entry/syscalls/syscall_64.tbl
  generic,  ///< include/uapi/asm-generic/unistd.h, that of aarch64
};

#if defined(__x86_64__)
inline constexpr SyscallTable kNativeTable = SyscallTable::x86_64;
#else
inline constexpr SyscallTable kNativeTable = SyscallTable::generic;
#endif

/// The name of a system call; `syscall_N` when the table (Linux 6.18) does not know it.
[[nodiscard]] std::string syscall_name(long number, SyscallTable table = kNativeTable);

}  // namespace pghang
