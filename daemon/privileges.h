#pragma once

#include <string>
#include <vector>

#include "config/result.h"

namespace pghang {

/// Gives up every capability, the ambient ones included, and the way to new ones (no_new_privs).
/// For the daemon, after it has started the keeper, which keeps what it was started with. Errors:
/// io.
[[nodiscard]] Result<void> drop_capabilities();

/// From root to `user`, its groups, and these capabilities (`cap_sys_ptrace`, ...): what is started
/// from here on runs as the service does. Errors: not_found (no such user), malformed (no such
/// capability), io.
[[nodiscard]] Result<void>
become_service(const std::string& user, const std::vector<std::string>& capabilities);

}  // namespace pghang
