#pragma once

#include <string>

#include "exporters/view.h"

namespace pghang {

/// `/`: what is stuck now, worst first, and where to read more. HTML without scripts; all foreign
/// text is escaped; links are relative, so a reverse proxy may put it anywhere.
[[nodiscard]] std::string landing_page(const View& view, const std::string& telemetry_path);

/// `/style.css`: light and dark. A file of its own, so that the page forbids inline styles.
[[nodiscard]] const char* style_sheet();

}  // namespace pghang
