#pragma once

#include <string>

#include "config/result.h"
#include "config/unique_fd.h"

namespace pghang {

/// A directory to look below, without any right to read or list it. Invalid when it cannot be had.
[[nodiscard]] UniqueFd open_root(const std::string& path);

/// Opens a regular file for reading. A FIFO, device, socket or directory is not opened at all: its
/// open() may block or have effects. Errors: not_found, permission_denied, malformed (not a regular
/// file), io. May block on a hung file system.
[[nodiscard]] Result<UniqueFd> open_regular(const std::string& path);

/// The same below `root`: absolute paths and symbolic links stay inside it, as in a chroot
/// (openat2(2), RESOLVE_IN_ROOT).
[[nodiscard]] Result<UniqueFd> open_regular_in(const UniqueFd& root, const std::string& path);

}  // namespace pghang
