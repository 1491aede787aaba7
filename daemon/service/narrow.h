#pragma once

#include "config/result.h"

namespace pghang {

/// The daemon gives up, for itself and its threads, what it never does (seccomp): to look at or
/// signal by descriptor other processes, to start any, to become somebody else, realtime. For the
/// daemon after it has started the keeper, before its first thread. Errors: unsupported, io; the
/// daemon goes on without.
[[nodiscard]] Result<void> narrow_daemon();

}  // namespace pghang
