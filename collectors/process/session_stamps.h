#pragma once

#include <sys/types.h>

#include <optional>

#include "collectors/evidence/server_survey.h"
#include "collectors/process/interrupt_flags.h"
#include "collectors/process/target_memory.h"

namespace pghang {

/// Reads what MyBEEntry points to: PgBackendStatus of PostgreSQL's utils/backend_status.h (pgstat.h
/// until 13) begins with st_changecount, st_procpid, st_backendType and the four timestamps, in
/// every release from 10 to 18. Nothing where the entry is not of the process `ns_pid` (as the
/// server's pid namespace counts), where it is being written (st_changecount is odd or moves), and
/// where a process has none.
[[nodiscard]] std::optional<SessionStamps>
read_session_stamps(const TargetMemory& memory, const VariableAddresses& addresses, pid_t ns_pid);

}  // namespace pghang
