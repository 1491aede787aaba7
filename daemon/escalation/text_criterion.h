#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "daemon/escalation/compiled_pattern.h"

namespace pghang::escalation {

/// A TextCriterion, compiled once. Absent text is a NULL column: it holds no include and is never
/// excluded. A pattern that is broken includes nothing and excludes every value.
class CompiledText {
 public:
  CompiledText() = default;
  CompiledText(const TextCriterion& criterion, bool ignore_case);

  [[nodiscard]] bool empty() const { return include_.empty() && exclude_.empty(); }

  [[nodiscard]] bool holds(std::optional<std::string_view> value) const;

  /// Why it does not: `user: app, wanted root or /^batch`, `database: test, excluded by test`.
  [[nodiscard]] std::string mismatch(const char* name, std::optional<std::string_view> value) const;

 private:
  [[nodiscard]] bool included(std::optional<std::string_view> value) const;
  [[nodiscard]] const CompiledPattern* excluding(std::optional<std::string_view> value) const;

  std::vector<CompiledPattern> include_;
  std::vector<CompiledPattern> exclude_;
};

}  // namespace pghang::escalation
