#pragma once

#include "config/result.h"

namespace pghang {

/// Gives up every capability, the ambient ones included, and the way to new ones (no_new_privs).
/// For the daemon, after it has started the keeper, which keeps what it was started with. Errors:
/// io.
[[nodiscard]] Result<void> drop_capabilities();

}  // namespace pghang
