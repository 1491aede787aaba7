#pragma once

#include <span>
#include <string>

#include "collectors/evidence/activity.h"
#include "config/settings.h"
#include "daemon/escalation/circumstances.h"

namespace pghang::escalation {

/// A criterion that compares values. Pure.
struct PlainCriterion {
  const char* name;  ///< the key in the file
  /// True also where the rule does not ask for it.
  bool (*holds)(const Rule& rule, const Activity& row, const Circumstances& around);
  /// What there is and what was wanted, where it does not hold: `3s, wanted 10min`.
  std::string (*mismatch)(const Rule& rule, const Activity& row, const Circumstances& around);
};

/// Those that the poll itself decides, in the order of struct Match.
[[nodiscard]] std::span<const PlainCriterion> plain_criteria();
/// Those that need BackendFacts.
[[nodiscard]] std::span<const PlainCriterion> costly_criteria();

/// Which facts a rule asks for.
[[nodiscard]] FactNeeds facts_for(const Match& match);

}  // namespace pghang::escalation
