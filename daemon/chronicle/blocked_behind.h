#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <vector>

#include "collectors/evidence/activity.h"
#include "collectors/evidence/locks.h"

namespace pghang {

/// How many backends wait behind each pid for heavyweight locks, directly or not; whoever is not in
/// it has nobody behind. Where the server listed only some of the waiters, fewer than there are.
[[nodiscard]] std::map<pid_t, std::uint32_t>
blocked_behind(const std::vector<Activity>& sessions, const LockSnapshot& locks);

}  // namespace pghang
