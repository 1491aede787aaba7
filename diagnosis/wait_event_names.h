#pragma once

#include <cstdint>
#include <string>

namespace pghang {

/// The class of a wait_event_info word (PostgreSQL's wait_event.h): `LWLock`, `Client`, `IPC`, ...
/// ; for the event within it the number: `IPC/12`. Empty for 0 (not waiting).
[[nodiscard]] std::string wait_event_class(std::uint32_t wait_event_info);

}  // namespace pghang
