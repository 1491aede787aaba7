#pragma once

#include <string>

#include "exporters/pages/wait_layout.h"

namespace pghang {

/// The drawing as an inline SVG, named `name` for whoever does not see it; a text version belongs
/// beside it. What colour says, a word, a line's width or its dashes say too.
[[nodiscard]] std::string wait_graph_svg(const WaitDrawing& drawing, const std::string& name);

}  // namespace pghang
