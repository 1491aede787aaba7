#pragma once

#include <string>
#include <string_view>

#include "config/result.h"

namespace pghang {

/// .gnu_debugdata is an xz stream of an ELF file with a .symtab (gdb manual, "MiniDebugInfo").
/// Errors: malformed (damaged, or larger than 64 MiB when unpacked).
[[nodiscard]] Result<std::string> unpack_xz(std::string_view packed);

}  // namespace pghang
