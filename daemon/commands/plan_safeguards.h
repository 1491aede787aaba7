#pragma once

#include <string>
#include <vector>

#include "collectors/evidence/activity.h"
#include "config/settings.h"
#include "daemon/escalation/rule_matcher.h"

namespace pghang {

/// What budget and breakers would say to the signals that are due in this one poll, for
/// `pghangd plan`: `at once 1 of 3 signals (budget_share)`. Empty when nothing would be withheld.
/// The daemon knows more: what it has sent within the hour, and what its rules matched before.
/// Pure.
[[nodiscard]] std::vector<std::string> restraints_of(
    const ActivitySnapshot& snapshot,
    const escalation::RuleMatcher& rules,
    const Settings& settings
);

}  // namespace pghang
