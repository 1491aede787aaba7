#pragma once

#include <chrono>
#include <string>

#include "config/result.h"

namespace pghang {

struct ControlAnswer {
  int status = 0;    ///< of HTTP
  std::string body;  ///< without the newline at its end
};

/// One POST to a running daemon's control socket. Blocks at most `patience` for each step. Errors,
/// with words for the person at the terminal: not_found (no socket), disconnected (nobody listens,
/// or it went away), permission_denied, timeout, malformed (not pghangd), io.
[[nodiscard]] Result<ControlAnswer>
control_post(const std::string& socket, const std::string& target, std::chrono::seconds patience);

/// Where the daemon's control socket is, by the configuration's value: `${RUNTIME_DIRECTORY}` is
/// systemd's, or what systemd makes of the unit. Empty for none.
[[nodiscard]] std::string control_socket_path(const std::string& setting);

/// The same for the daemon itself, which has that from systemd or not at all.
[[nodiscard]] std::string own_control_socket_path(const std::string& setting);

}  // namespace pghang
