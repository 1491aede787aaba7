#pragma once

#include <string>

#include "exporters/view.h"

namespace pghang {

/// `1 of 2 targets up, 3 open incidents, mode observe; replica: io: connection refused`: what
/// `systemctl status` shows. `degraded`: what this daemon cannot do, empty for nothing. Pure.
[[nodiscard]] std::string status_line(const View& view, const std::string& degraded);

}  // namespace pghang
