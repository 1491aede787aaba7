#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collectors/evidence/process.h"
#include "collectors/process/parsers.h"
#include "collectors/process/procfs.h"

namespace pghang {

/// Whose other end is looked for.
struct PeerQuery {
  std::string target;  ///< text of the link, ` (deleted)` and all: `pipe:[4711]`, `/x/fifo`
  pid_t pid = 0;
  int fd = -1;  ///< not its own peer; -1: `pid` has no descriptor for it yet
  /// Which descriptors of that name count, by their fdinfo; one whose fdinfo cannot be read does
  /// not. Empty: all but those of the same end of a pipe.
  std::function<bool(pid_t pid, const FdInfo& info)> accepts = {};
};

/// A scan stops after this long. Measured: 60,000 links of 60 processes cost 250 ms of CPU.
inline constexpr std::chrono::milliseconds kPeerScanBudget{300};
/// And after as many peers.
inline constexpr std::size_t kMaxPeers = 32;

struct PeerScan {
  std::vector<RelatedProcess> peers;  ///< each process once
  std::vector<pid_t> denied;          ///< processes that may not be looked at
  bool complete = true;               ///< false: the budget or kMaxPeers ended it
};

/// Who has `query.target` open, by the text of every /proc/PID/fd link. Of a pipe, a process that
/// holds only the same end (by fdinfo's access mode) is no peer. Nothing is opened through a link.
[[nodiscard]] PeerScan find_peers(
    const ProcFs& proc,
    const PeerQuery& query,
    std::chrono::milliseconds budget = kPeerScanBudget
);

/// The same for several, in one pass over /proc; answers in the order of the queries.
[[nodiscard]] std::vector<PeerScan> find_peers_of_all(
    const ProcFs& proc,
    std::span<const PeerQuery> queries,
    std::chrono::milliseconds budget = kPeerScanBudget
);

/// comm and state of a process; nothing when it is gone.
[[nodiscard]] std::optional<RelatedProcess> related_process(const ProcFs& proc, pid_t pid);

}  // namespace pghang
