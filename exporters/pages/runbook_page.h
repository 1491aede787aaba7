#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pghang {

/// A file of docs/runbooks, compiled in so that the daemon opens none.
struct Runbook {
  std::string_view name;  ///< of the file, without `.md`: a cause, `alerts`, or `README`
  std::string_view text;  ///< Markdown
};

/// Sorted by name.
[[nodiscard]] const std::vector<Runbook>& runbooks();

/// The page `/runbooks/NAME`; of the empty name their index. None: there is no such runbook.
[[nodiscard]] std::optional<std::string> runbook_page(std::string_view name);

}  // namespace pghang
