#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/activity.h"
#include "config/settings.h"
#include "daemon/escalation/circumstances.h"

namespace pghang::escalation {

/// The rules with their regular expressions compiled. Pure and immutable.
///
/// Inside a rule every criterion must hold (AND); among rules the first that matches wins. An empty
/// backend_type criterion means `client backend`. Wait events compare without regard to case. Ages
/// are the server's own columns. `query` is held against the text as mask_query() shows it. A NULL
/// column holds neither an include nor an age, and is never excluded; an empty backend_type or
/// query is NULL. A regular expression that does not compile (the loader lets none through)
/// includes nothing and excludes every value. Time windows are criteria too. What BackendFacts do
/// not say does not hold.
class RuleMatcher {
 public:
  explicit RuleMatcher(std::vector<Rule> rules);
  RuleMatcher(RuleMatcher&&) noexcept;
  RuleMatcher& operator=(RuleMatcher&&) noexcept;
  RuleMatcher(const RuleMatcher&) = delete;
  RuleMatcher& operator=(const RuleMatcher&) = delete;
  ~RuleMatcher();

  [[nodiscard]] const std::vector<Rule>& rules() const;
  /// Index of the first rule whose every criterion holds.
  [[nodiscard]] std::optional<std::size_t>
  match(const Activity& activity, const Circumstances& around = {}) const;
  /// Which facts could make the outcome another one: those that rules ask for of which all else
  /// holds, up to the first rule that matches anyway. Nothing where the poll alone decides.
  [[nodiscard]] FactNeeds needs(const Activity& activity, const Circumstances& around = {}) const;
  /// The first criterion of a rule that does not hold, for `pghangd plan`: `query_age: 3s, wanted
  /// 10min`, `user: app, wanted root or /^batch`, `state: NULL, wanted active`, `database: test,
  /// excluded by test`, `blocking_at_least: not known, wanted 3`. In the order of struct Match.
  /// Nothing when all hold. `rule` is an index into rules().
  [[nodiscard]] std::optional<std::string> first_mismatch(
      std::size_t rule,
      const Activity& activity,
      const Circumstances& around = {}
  ) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pghang::escalation
