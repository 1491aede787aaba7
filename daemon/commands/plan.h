#pragma once

#include <string>
#include <vector>

#include "collectors/evidence/activity.h"
#include "config/settings.h"
#include "daemon/escalation/circumstances.h"
#include "daemon/escalation/protect_list.h"
#include "daemon/escalation/rule_matcher.h"
#include "exporters/plan_view.h"
#include "exporters/store/records.h"

namespace pghang {

/// What the rules would do about every backend of one poll that is not idle. Pure. `facts`: as far
/// as they were found out.
[[nodiscard]] PlanView make_plan(
    const std::string& target,
    const ActivitySnapshot& snapshot,
    const escalation::RuleMatcher& rules,
    Mode mode,
    const escalation::FactTable& facts = {},
    const escalation::ProtectList& protect = {}
);

/// What the server refused of this daemon, or of an earlier one, is told with the backend: nobody
/// knows beforehand. `signals`: what the store has, oldest first.
void tell_refusals(PlanView& plan, const std::vector<SignalRecord>& signals);

/// The same as text: each backend, the rule that matches it and what would be done, or why nothing
/// would.
[[nodiscard]] std::string render_plan(const PlanView& plan);

}  // namespace pghang
