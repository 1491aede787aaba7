#pragma once

#include <string>

#include "collectors/evidence/evidence.h"

namespace pghang {

/// What kind of server process it is, as pg_stat_activity.backend_type spells it. Without a row
/// there (no connection, or a process that has none) it is told from MyBackendType, whose numbers
/// differ by major release (13 to 18 are known), else from the process title, which PostgreSQL sets
/// whatever update_process_title says. `postmaster` for the postmaster, `backend` for a client
/// backend, and where nothing says more.
[[nodiscard]] std::string backend_kind(const Evidence& evidence);

/// True for processes whose SIGTERM handler is not die(): they never set ProcDiePending, and most
/// set ShutdownRequestPending (13 and later) instead.
[[nodiscard]] bool is_auxiliary(const std::string& kind);

/// True for those that ignore SIGTERM by design: they end when the postmaster lets them.
[[nodiscard]] bool ignores_terminate_by_design(const std::string& kind);

}  // namespace pghang
