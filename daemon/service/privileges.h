#pragma once

#include <string>
#include <vector>

#include "config/result.h"

namespace pghang {

/// Those of the three capabilities of the unit that this process does not hold and so cannot give
/// the keeper: `CAP_SYS_PTRACE`, ... What each brings: systemd/README.md.
[[nodiscard]] std::vector<std::string> missing_capabilities();

/// Whether the capabilities that this process holds take effect. They are for the sampler: without
/// effect, files are read as the service's user may, at start as in a reload.
[[nodiscard]] Result<void> let_capabilities_take_effect(bool effect);

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
