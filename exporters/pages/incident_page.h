#pragma once

#include <cstdint>
#include <string>

#include "exporters/view.h"

namespace pghang {

/// `/incidents/ID`: what it is, what would free it, its timeline, its session, the evidence, and
/// other incidents of the same fingerprint. `incident` is of `view`; `now`: unix epoch.
[[nodiscard]] std::string
incident_page(const View& view, const Incident& incident, std::int64_t now);

}  // namespace pghang
