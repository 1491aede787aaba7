#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "collectors/stack/symbol_index.h"
#include "config/result.h"

namespace pghang {

/// .gnu_debugdata is an xz stream of an ELF file with a .symtab (gdb manual, "MiniDebugInfo").
/// Errors: malformed (damaged, or larger than 64 MiB when unpacked).
[[nodiscard]] Result<std::string> unpack_xz(std::string_view packed);

/// Names of the functions in a file with .debug_info, by the start of each of their ranges:
/// DW_AT_linkage_name, else DW_AT_name. Empty when there is no readable DWARF.
[[nodiscard]] PreferredNames dwarf_function_names(int fd);

/// `/usr/lib/debug` + `.build-id/ab/cdef….debug`; empty for a build id that is too short.
[[nodiscard]] std::string
debug_file_path(const std::string& debug_root, const std::string& build_id);

}  // namespace pghang
