#pragma once

#include <string>

#include "exporters/view.h"

namespace pghang {

/// What an operator must know before anything else: paused, only observing, a server down, a
/// breaker open. HTML; nothing when all is as it should be.
[[nodiscard]] std::string notices_html(const View& view);

/// Each server: up or down, version, mode, last poll, connection. HTML.
[[nodiscard]] std::string servers_html(const View& view);

}  // namespace pghang
