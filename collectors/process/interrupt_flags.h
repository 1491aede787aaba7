#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/evidence/process.h"
#include "collectors/process/target_memory.h"

namespace pghang {

/// Where a variable lives: value of its ELF symbol plus the load bias, and its st_size.
struct VariableAddress {
  std::uint64_t address = 0;
  std::uint64_t size = 0;
};

using VariableAddresses = std::map<std::string, VariableAddress, std::less<>>;

/// PostgreSQL's pointer to this session's entry in shared memory (session_stamps.h).
inline constexpr std::string_view kBackendEntry = "MyBEEntry";
/// Pointer to the text of the statement that a backend executes. Among the names looked up, and not
/// among the flags.
inline constexpr std::string_view kStatementVariable = "debug_query_string";

/// The names looked up in PostgreSQL's .dynsym. An executable is taken for PostgreSQL when it
/// exports `InterruptPending`, `ProcDiePending` and `PostmasterPid`.
[[nodiscard]] const std::vector<std::string_view>& interrupt_variable_names();

/// Reads the variables. Width = the symbol's size (1 byte in 10, 4 from 12 for the Pending flags).
/// A variable that has no address stays absent. Errors: those of TargetMemory.
[[nodiscard]] Result<InterruptFlags>
read_interrupt_flags(const TargetMemory& memory, const VariableAddresses& addresses);

}  // namespace pghang
