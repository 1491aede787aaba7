#pragma once

#include <cstdint>
#include <string>

#include "diagnosis/incident.h"

namespace pghang {

/// The stages that an incident went through: when, for how long, what was noted, and how far each
/// accepted signal came. `now`: unix epoch, for the stage that it is in. HTML; nothing for none.
[[nodiscard]] std::string timeline_html(const Incident& incident, std::int64_t now);

}  // namespace pghang
