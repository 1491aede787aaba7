#pragma once

#include <chrono>
#include <functional>

#include "collectors/sampler/protocol.h"
#include "config/unique_fd.h"

namespace pghang::sampler {

/// What a worker process does with its socket to the keeper. Does not return: the process exits.
using WorkerMain = std::function<void(UniqueFd)>;

/// Limits; production takes the defaults.
struct KeeperOptions {
  std::chrono::milliseconds death_grace = kDeathGrace;
  /// At most this many workers are started within the window: one that dies at once must not become
  /// a fork storm. Captures are refused until the next may start.
  unsigned max_starts = 10;
  std::chrono::milliseconds starts_window{10'000};
};

/// Makes the calling process fit to be a keeper: its name, no signal of a terminal or of systemd
/// ends it (it ends with its socket, after the daemon), orphans below it become its children
/// (PR_SET_CHILD_SUBREAPER), and it holds no descriptor but the standard ones and `socket`. There
/// is no PR_SET_PDEATHSIG: the end of the socket says the same, and lets it end its worker first.
void become_keeper(int socket);

/// The keeper's loop (protocol.h); returns the exit code when the daemon's end has closed. One
/// thread, no file opened, every descriptor non-blocking: it waits in poll(2) only.
[[nodiscard]] int
run_keeper(UniqueFd daemon, const WorkerMain& worker_main, const KeeperOptions& options);

}  // namespace pghang::sampler
