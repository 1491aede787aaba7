#pragma once

#include "config/result.h"

namespace pghang::sampler {

/// Keeps this process in memory (mlock(2)), so that the disk that hangs the server cannot page it
/// out: its own code, libc and libstdc++ whole, of everything else each page from its first use on.
/// Ends with the process and is not inherited; code that one process has locked stays for all that
/// map it, so the keeper's lock serves its children. Errors: permission_denied, when
/// RLIMIT_MEMLOCK is not `unlimited` (below a limit the next allocation would fail, which ends
/// the process).
[[nodiscard]] Result<void> lock_memory();

/// What lock_memory() does once the limit is known to allow it. Errors: permission_denied.
[[nodiscard]] Result<void> lock_pages();

}  // namespace pghang::sampler
