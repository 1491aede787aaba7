#pragma once

#include <cstddef>
#include <string>

#include "diagnosis/incident.h"

namespace pghang {

/// Who waits for whom around an incident's process: the sentence, the drawing, the same as text,
/// and what would free the end of the queue where that is somebody else. HTML; nothing where it
/// neither waits nor is waited for.
[[nodiscard]] std::string waits_html(const Incident& incident);

/// Backends that wait behind it, directly or not.
[[nodiscard]] std::size_t waiters_behind(const Incident& incident);

}  // namespace pghang
