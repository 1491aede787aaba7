#pragma once

#include "collectors/process/procfs.h"
#include "collectors/sampler/protocol.h"
#include "config/result.h"

namespace pghang::sampler {

/// The pid on this host of the process that is asked for: `request.pid` itself, or with server_pid
/// the one process that fits all that is known of it:
///
/// - in the pid namespace of `server_process` its innermost NSpid is `pid`, and it started when the
///   backend did; or, where that is 0 or finds nobody,
/// - its innermost NSpid is `pid`, it is named as the server's executable is, and it started when
///   the backend did.
///
/// The number alone never decides: a server in a container counts from 1, as this host does.
/// Errors: not_found, identity_changed (nobody fits, but the pid is taken here; or several fit),
/// io.
[[nodiscard]] Result<pid_t> host_pid(const ProcFs& proc, const CaptureRequest& request);

/// The same of pghangd's own backend, and only where it is proven to be of this host
/// (GlanceRequest::prove_local): number, name and age of a process can be those of another
/// server's. Errors: not_found where it is not; those of host_pid().
[[nodiscard]] Result<pid_t> own_backend(const ProcFs& proc, const CaptureRequest& request);

}  // namespace pghang::sampler
