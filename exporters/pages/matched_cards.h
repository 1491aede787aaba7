#pragma once

#include <string>

#include "exporters/pages/matched_groups.h"

namespace pghang {

/// One group of the landing page: why, the first step to take, and its backends. HTML.
[[nodiscard]] std::string matched_card(const MatchedGroup& group);

}  // namespace pghang
