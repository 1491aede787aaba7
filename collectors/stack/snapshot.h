#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/evidence/identity.h"
#include "collectors/evidence/stack_trace.h"
#include "collectors/process/parsers.h"
#include "config/result.h"

namespace pghang {

/// DWARF register numbers of x86-64 (System V psABI, figure 3.36); 16 is the return address column.
inline constexpr std::size_t kRegisterCount = 17;
inline constexpr std::size_t kRegisterRbp = 6;
inline constexpr std::size_t kRegisterRsp = 7;
inline constexpr std::size_t kRegisterRip = 16;

/// Everything unwinding needs, detached from the process: the wire format between capture child and
/// worker, and the fixture format of the tests. Self-contained but for the ELF files it names.
struct StackSnapshot {
  ProcessKey key;
  CaptureMethod method = CaptureMethod::kernel_only;
  double held_micros = 0;
  bool in_syscall = false;  ///< rip is behind a `syscall` instruction, so it is a return address
  std::array<std::optional<std::uint64_t>, kRegisterCount> registers{};  ///< absent: not known
  std::uint64_t stack_start = 0;                                         ///< address of stack[0]
  std::string stack;              ///< bytes from stack_start on
  bool stack_truncated = false;   ///< the live stack was larger than the copy limit
  std::vector<Mapping> mappings;  ///< all of them

  friend bool operator==(const StackSnapshot&, const StackSnapshot&) = default;
};

inline constexpr std::uint32_t kSnapshotMagic = 0x53484750;  // "PGHS"
inline constexpr std::uint16_t kSnapshotVersion = 1;

/// Magic, version, then codec.h's encoding.
[[nodiscard]] std::string encode_snapshot(const StackSnapshot& snapshot);
/// Errors: malformed, unsupported (a version from the future).
[[nodiscard]] Result<StackSnapshot> decode_snapshot(std::string_view bytes);

}  // namespace pghang
