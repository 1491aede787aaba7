#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "diagnosis/incident.h"

namespace pghang {

/// Incidents a row each, in the order given: since when, which backend, why, how it stands or
/// ended; at most `limit`, then how many more there are. `folder` leads from the page to those of
/// incidents: `incidents/`. HTML; nothing for none.
[[nodiscard]] std::string incident_table(
    const std::vector<const Incident*>& incidents,
    std::size_t limit,
    const std::string& folder
);

/// `unresponsive`, `resolved: cancelled`.
[[nodiscard]] std::string standing(const Incident& incident);

/// `took 3 min 20 s`, `open for 5 s`. `now`: unix epoch.
[[nodiscard]] std::string how_long(const Incident& incident, std::int64_t now);

}  // namespace pghang
