#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/activity.h"
#include "config/settings.h"

namespace pghang::escalation {

/// The rules with their regular expressions compiled. Pure and immutable.
///
/// Inside a rule every criterion must hold (AND); among rules the first that matches wins. An empty
/// backend_type criterion means `client backend`. Wait events compare without regard to case. Ages
/// are the server's own columns. A NULL column holds neither an include nor an age, and is never
/// excluded; an empty backend_type is NULL. A regular expression that does not compile (the loader
/// lets none through) includes nothing and excludes every value.
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
  [[nodiscard]] std::optional<std::size_t> match(const Activity& activity) const;
  /// The first criterion of a rule that does not hold, for `pghangd plan`: `query_age: 3s, wanted
  /// 10min`, `user: app, wanted root or /^batch`, `state: NULL, wanted active`, `database: test,
  /// excluded by test`. In the order of struct Match. Nothing when all hold. `rule` is an index
  /// into rules().
  [[nodiscard]] std::optional<std::string>
  first_mismatch(std::size_t rule, const Activity& activity) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pghang::escalation
