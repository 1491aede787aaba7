#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/activity.h"
#include "config/settings.h"
#include "daemon/escalation/compiled_pattern.h"

namespace pghang::escalation {

/// The `protect` list of the configuration with its regular expressions compiled. Pure, immutable.
class ProtectList {
 public:
  ProtectList() = default;
  explicit ProtectList(const std::vector<Protection>& entries);

  /// The name of the first entry whose every criterion holds; nothing: not protected. A NULL column
  /// holds no include and is never excluded. A regular expression that gives up counts as holding:
  /// in doubt the backend is spared.
  [[nodiscard]] std::optional<std::string> protecting(const Activity& activity) const;

 private:
  static constexpr std::size_t kColumns = 5;

  struct Criterion {
    std::vector<CompiledPattern> include;
    std::vector<CompiledPattern> exclude;
  };

  struct Entry {
    std::string name;
    std::array<Criterion, kColumns> criteria;
  };

  std::vector<Entry> entries_;
};

}  // namespace pghang::escalation
