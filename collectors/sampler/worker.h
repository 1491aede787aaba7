#pragma once

#include "collectors/sampler/helper_filters.h"
#include "collectors/sampler/helper_hooks.h"
#include "config/unique_fd.h"

namespace pghang::sampler {

/// The worker's loop (protocol.h): takes requests off its socket to the keeper, has capture
/// children look at the targets, unwinds what they bring, answers. Owns the module cache. Returns
/// the exit code, when the keeper is gone or a child is stuck.
[[nodiscard]] int
run_worker(UniqueFd keeper, const HelperHooks& hooks, const HelperFilters& filters);

}  // namespace pghang::sampler
