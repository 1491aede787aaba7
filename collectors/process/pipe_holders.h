#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "collectors/process/peer_scan.h"
#include "collectors/process/procfs.h"

namespace pghang {

/// Of the processes that may not be looked at, how many could hold the other end of the pipe. It
/// was made by the eldest of the target's ancestors that holds it, so what is older than that
/// cannot have it.
[[nodiscard]] std::size_t
possible_pipe_holders(const ProcFs& proc, const PeerQuery& query, const std::vector<pid_t>& denied);

}  // namespace pghang
