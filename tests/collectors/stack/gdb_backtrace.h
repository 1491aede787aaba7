#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "collectors/evidence/stack_trace.h"

namespace pghang::test {

/// What a shell command writes to its standard output.
[[nodiscard]] std::string output_of(const std::string& command);

/// The `#n` lines of `gdb -batch -ex bt`, without number and address. Without `debug_files` gdb
/// uses only what is in the mapped files themselves.
[[nodiscard]] std::vector<std::string> gdb_backtrace(pid_t pid, bool debug_files);

/// Every frame that gdb names has the same name at the same position in `trace`, or an exported one
/// of the same function; frames that gdb
/// cannot name (`??`) are not compared. gdb ends at main. Returns the differences, empty when there
/// are none, and in `compared` how many names were compared.
[[nodiscard]] std::string
differences(const StackTrace& trace, const std::vector<std::string>& gdb, std::size_t& compared);

}  // namespace pghang::test
