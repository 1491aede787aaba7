#pragma once

#include <string_view>

namespace pghang {

/// A file that the pages ask for; its source is of that name in exporters/pages/assets/, compiled
/// in.
struct Asset {
  std::string_view path;  ///< `/assets/page.css`
  std::string_view content_type;
  std::string_view text;
};

/// Null where there is none of that path.
[[nodiscard]] const Asset* find_asset(std::string_view path);

}  // namespace pghang
