#pragma once

#include "collectors/process/parsers.h"
#include "collectors/process/procfs.h"
#include "collectors/sampler/protocol.h"
#include "config/result.h"

namespace pghang::sampler {

/// /proc/PID/stat of the process asked for, which may be a zombie. Errors: not_found,
/// identity_changed (start_ticks or backend_start say it is another process), permission_denied,
/// io, malformed.
[[nodiscard]] Result<ProcStat> identify(const ProcFs& proc, const CaptureRequest& request);

}  // namespace pghang::sampler
