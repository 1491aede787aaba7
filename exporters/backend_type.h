#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "collectors/evidence/evidence.h"

namespace pghang {

/// pg_stat_activity.backend_type; without a row there, backend_kind() of diagnosis, with sessions
/// told apart by their title (init_ps_display()). Empty when that says nothing.
[[nodiscard]] std::string backend_type(const Evidence& evidence);

/// A parallel worker's leader, from the row or from the title.
[[nodiscard]] std::optional<pid_t> leader_pid(const Evidence& evidence);

}  // namespace pghang
