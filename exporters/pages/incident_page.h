#pragma once

#include <string>

#include "exporters/view.h"

namespace pghang {

/// `/incidents/ID`: what it is, what would free it, its timeline, its session, the evidence, and
/// other incidents of the same fingerprint. `incident` is of `view`.
[[nodiscard]] std::string incident_page(const View& view, const Incident& incident);

}  // namespace pghang
