#pragma once

#include <cstdint>
#include <string>

#include "collectors/evidence/evidence.h"

namespace pghang {

/// A wait_event_info word (PostgreSQL's wait_event.h) as pg_stat_activity spells it, class and
/// event: `IPC/BtreePage`. Names are those of the major release: numbers and spellings change
/// between them. Where there is no name the event's number stands for it, `LWLock/95`: a lock or an
/// event of an extension, or a release that no table is of (14 to 18 have one). Empty for 0 (not
/// waiting).
[[nodiscard]] std::string wait_event_name(std::uint32_t wait_event_info, int major);

/// What the captured process waited for at its latest sample, by its own memory; empty when for
/// nothing, and when that cannot be told.
[[nodiscard]] std::string wait_event_in_memory(const Evidence& evidence);

/// Why it cannot be told; empty when it can.
[[nodiscard]] std::string no_wait_event_because(const Evidence& evidence);

}  // namespace pghang
