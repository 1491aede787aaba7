#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <optional>

#include "collectors/evidence/activity.h"
#include "daemon/escalation/circumstances.h"
#include "daemon/escalation/protect_list.h"
#include "daemon/escalation/rule_matcher.h"

namespace pghang::escalation {

/// A row of the poll, and the rule that applies to it.
struct JudgedRow {
  const Activity* activity = nullptr;
  std::optional<std::size_t> rule;
};

/// Of rows with the same pid the first.
using RowsByPid = std::map<pid_t, JudgedRow>;

/// They point into `snapshot`.
[[nodiscard]] RowsByPid rows_by_pid(
    const ActivitySnapshot& snapshot,
    const RuleMatcher& rules,
    const FactTable& facts,
    const ProtectList& protect
);

/// Null where the poll has no row of that very backend.
[[nodiscard]] const JudgedRow* find_row(const RowsByPid& rows, const BackendKey& key);

}  // namespace pghang::escalation
