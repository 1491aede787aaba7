#pragma once

#include <string>

#include "config/result.h"

namespace pghang {

/// The password in a file of at most 4 KiB, without its line end. `${CREDENTIALS_DIRECTORY}` at the
/// start of the path is replaced by that variable (systemd.exec(5)). Blocks. Errors:
/// permission_denied, not_found, malformed (empty, too long, several lines), io. The context names
/// the path and never the content.
[[nodiscard]] Result<std::string> read_password_file(const std::string& path);

}  // namespace pghang
