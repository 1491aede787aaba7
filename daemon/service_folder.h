#pragma once

#include <string>

namespace pghang {

/// A folder that systemd made for the service, by the variable that names it (`STATE_DIRECTORY`,
/// `RUNTIME_DIRECTORY`): the first where there are several. Empty without systemd.
[[nodiscard]] std::string service_folder(const char* variable);

}  // namespace pghang
