#pragma once

#include <string>

#include "collectors/evidence/evidence.h"

namespace pghang {

/// User stack and kernel stack side by side, and what the samples show. HTML.
[[nodiscard]] std::string stacks_html(const Evidence& evidence);

}  // namespace pghang
