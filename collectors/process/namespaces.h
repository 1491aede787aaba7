#pragma once

#include "collectors/evidence/capture.h"
#include "collectors/process/procfs.h"

namespace pghang {

/// Whether two processes live in the same pid namespace, by their ns/pid links. False where either
/// may not be read.
[[nodiscard]] bool same_pid_namespace(const ProcFs& proc, pid_t one, pid_t other);

/// Fills ns_pid, other_namespaces, and the ns_pid of tracer, children and peers, which are there by
/// then. Process 1 is the measure, for systemd gives a service its own mount namespace; where that
/// may not be looked at, this one.
void observe_namespaces(const ProcFs& proc, pid_t pid, Capture& capture);

}  // namespace pghang
