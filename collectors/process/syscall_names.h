#pragma once

#include <string>

namespace pghang {

/// The name of a system call of this machine's architecture; `syscall_N` when the table (Linux 6.1)
/// does not know it.
[[nodiscard]] std::string syscall_name(long number);

}  // namespace pghang
