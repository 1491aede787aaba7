#pragma once

#include <string>

#include "collectors/evidence/activity.h"
#include "config/settings.h"
#include "daemon/escalation/protect_list.h"
#include "daemon/escalation/rule_matcher.h"

namespace pghang {

/// What `pghangd plan` prints for one poll: every backend that is not idle, the rule that matches
/// it and what would be done, or why nothing would. Pure.
[[nodiscard]] std::string render_plan(
    const std::string& target,
    const ActivitySnapshot& snapshot,
    const escalation::RuleMatcher& rules,
    Mode mode,
    const escalation::ProtectList& protect = {}
);

}  // namespace pghang
