#pragma once

#include "collectors/evidence/identity.h"
#include "collectors/process/parsers.h"
#include "collectors/process/procfs.h"
#include "config/result.h"

/// What is asked before anything is done to a process.
namespace pghang {

/// The process's stat. Errors: not_found, identity_changed when start_ticks differs.
[[nodiscard]] Result<ProcStat> check_identity(const ProcFs& proc, ProcessKey key);

/// Whether it may be stopped for a moment: in state R or S, and not frozen. Where the freezer
/// cannot be read it may: PTRACE_SEIZE does a frozen process no harm. Errors: refused, and those of
/// check_identity().
[[nodiscard]] Result<void> check_stoppable(const ProcFs& proc, ProcessKey key);

}  // namespace pghang
