#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "collectors/evidence/stack_trace.h"

namespace pghang {

/// Frames that an answer leaves out of a deep stack: [after, after + count), innermost first.
struct Omission {
  std::size_t after = 0;
  std::size_t count = 0;
};

/// What to leave out of a walk over these program counters, so that at most `keep` frames remain:
/// the middle. Where the stack is a recursion, whole turns of it go, so that what remains reads
/// like the same recursion, less deep (a fingerprint folds it to the same names).
[[nodiscard]] Omission choose_omission(const std::vector<std::uint64_t>& pcs, std::size_t keep);

/// Leaves out more of a trace, so that at most `keep` frames remain; the ends stay.
void keep_ends(StackTrace& trace, std::size_t keep);

}  // namespace pghang
