#pragma once

#include <string>

namespace pghang {

/// A folder that systemd made for the service, by the variable that names it (`STATE_DIRECTORY`,
/// `RUNTIME_DIRECTORY`): the first where there are several. Empty without systemd.
[[nodiscard]] std::string service_folder(const char* variable);

/// Where the unit's StateDirectory= is, for who is not started by it.
inline constexpr const char* kStateDirectory = "/var/lib/pghangd";

}  // namespace pghang
