#pragma once

#include <cstdint>
#include <string>

#include "exporters/view.h"

namespace pghang {

/// `/`: what is stuck now, worst first, with the first step to take; servers; recent incidents;
/// fingerprints over time; where to read more. HTML whose links are relative, so a reverse proxy
/// may put it anywhere. `now`: unix epoch.
[[nodiscard]] std::string
landing_page(const View& view, const std::string& telemetry_path, std::int64_t now);

}  // namespace pghang
