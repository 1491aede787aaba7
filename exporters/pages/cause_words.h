#pragma once

#include "diagnosis/incident.h"

namespace pghang {

/// A cause as a headline, for who does not know its name: `Waits for storage, where no signal
/// reaches it`.
[[nodiscard]] const char* cause_headline(Cause cause);

/// Whether it only waits in a queue, whose end is then what matters.
[[nodiscard]] bool only_waits(const Incident& incident);

/// That of its verdict; of one that only waits, that it does. `Not diagnosed` without a verdict.
[[nodiscard]] const char* headline_of(const Incident& incident);

}  // namespace pghang
