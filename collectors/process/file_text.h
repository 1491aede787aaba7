#pragma once

#include <cstddef>
#include <string>

#include "config/result.h"

namespace pghang {

/// errno as an Error: ENOENT and ESRCH are not_found, EACCES and EPERM permission_denied, the rest
/// io. `what` stands before errno's text.
[[nodiscard]] Error system_error(int error_number, const std::string& what);

/// The text of a file of /proc or of a cgroup, at most `limit` bytes. Those files report no size.
[[nodiscard]] Result<std::string> read_text_file(const std::string& path, std::size_t limit);

}  // namespace pghang
