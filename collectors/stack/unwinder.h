#pragma once

#include <cstddef>

#include "collectors/evidence/stack_trace.h"
#include "collectors/stack/module_cache.h"
#include "collectors/stack/snapshot.h"

namespace pghang {

/// Frames that a trace keeps; of a deeper stack the middle is left out (omission.h).
inline constexpr std::size_t kMaxFrames = 512;
/// A walk ends here: kMaxStackBytes hold fewer real frames.
inline constexpr std::size_t kMaxWalk = 100'000;

/// Unwinds and symbolizes a snapshot: never looks at the live process. A return address is looked
/// up at pc-1, frame 0 and the frame below a signal trampoline at pc. Where CFA needs a
/// callee-saved register that is not known, the verified scan of DESIGN section 2 recovers it and
/// the frame is marked. Names only where a symbol covers the address.
[[nodiscard]] StackTrace unwind(const StackSnapshot& snapshot, const ModuleSource& modules);

}  // namespace pghang
