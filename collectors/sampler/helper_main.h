#pragma once

#include "collectors/sampler/helper_hooks.h"
#include "collectors/sampler/keeper.h"

namespace pghang::sampler {

/// All of pghangd-sampler's main(): the keeper on descriptor kKeeperSocket, with run_worker() in
/// its forks. Returns 64 when that descriptor is not such a socket: somebody started it by hand.
[[nodiscard]] int run_helper(const HelperHooks& hooks, const KeeperOptions& options);

}  // namespace pghang::sampler
