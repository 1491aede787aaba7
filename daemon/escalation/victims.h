#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "collectors/evidence/activity.h"
#include "daemon/escalation/circumstances.h"
#include "daemon/escalation/rule_matcher.h"

namespace pghang::escalation {

/// What the rules make of one backend among all of a poll.
struct RowJudgement {
  std::optional<std::size_t> rule;  ///< the first that matches it
  /// The rule is about another one of its group (Rule::victims): about whom. Then it is as if
  /// nothing matched; later rules are not tried.
  std::optional<BackendKey> spared_for;

  [[nodiscard]] std::optional<std::size_t> applies() const {
    return spared_for ? std::nullopt : rule;
  }
};

/// Of each row of a poll, in their order. Pure.
///
/// Victims are chosen by query_start (then backend_start, then pid); a backend without one is
/// neither the oldest nor the newest unless all are. Backends that `is_exempt` are not chosen and
/// not spared for anybody: they are matched, and exempt.
[[nodiscard]] std::vector<RowJudgement> judge_rows(
    const RuleMatcher& rules,
    const ActivitySnapshot& snapshot,
    const FactTable& facts,
    const std::function<bool(const Activity&, const Rule&)>& is_exempt
);

}  // namespace pghang::escalation
