#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "collectors/process/procfs.h"
#include "collectors/stack/snapshot.h"

/// What both ways of capturing share.
namespace pghang {

/// The part of a stack to copy; size 0 when the stack pointer is in no mapping.
struct StackRange {
  std::uint64_t start = 0;
  std::size_t size = 0;
  bool truncated = false;  ///< the mapping goes on behind it
};

/// [sp-128, end of the mapping that holds sp), at most `limit` bytes.
[[nodiscard]] StackRange
stack_range(const std::vector<Mapping>& mappings, std::uint64_t sp, std::size_t limit);

}  // namespace pghang
