#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/process/procfs.h"

namespace pghang {

/// A path below `pg_tblspc/` goes through a symbolic link that is not ours to follow: it may lead
/// to a file system that hangs. But the kernel names open files by where they are, so a descriptor
/// of the same relation, another fork or segment of it, tells where its tablespace is.
///
/// The name in /proc/PID/fd of such a descriptor, out of `links`; nothing where none is open, or
/// where the path is not below `pg_tblspc/`.
[[nodiscard]] std::optional<std::string>
same_tablespace(const std::vector<ProcFs::Link>& links, std::string_view path);

/// `pg_tblspc/16450`: the symbolic link that the path goes through, from the data directory; empty
/// for any other path.
[[nodiscard]] std::string tablespace_link(std::string_view path);

}  // namespace pghang
