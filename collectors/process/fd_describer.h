#pragma once

#include <optional>
#include <string>

#include "collectors/evidence/syscall.h"
#include "collectors/process/parsers.h"
#include "collectors/process/procfs.h"

namespace pghang {

/// What descriptor `number` of `pid` is: from the link's text, fdinfo, mountinfo and /sys only.
/// Who is at its other end is observe_peers()'s to find. A FIFO's link is its path and nothing but
/// stat(), which is never called, tells it from a file: its kind is `file`, unless the caller knows
/// better (observe_process() does, from wchan).
[[nodiscard]] Result<FdTarget> describe_fd(const ProcFs& proc, pid_t pid, int number);

/// The same for a path that a call blocks on before it has a descriptor (open of a FIFO, stat on a
/// hung mount): `number` is -1, `target` the absolute path. `base` is AT_FDCWD or the descriptor of
/// the target that a relative path starts from. Everything is text: symbolic links are not
/// followed, so the mount is that of the name's longest mount point. Below `pg_tblspc/`, whose
/// entries are links to elsewhere, it is that of an open file of the same relation, and empty
/// without one. Errors: those of the link for `base`.
[[nodiscard]] Result<FdTarget>
describe_path(const ProcFs& proc, pid_t pid, int base, const std::string& path);

/// Gives a path below `pg_tblspc/` the mount that the symbolic link there leads to. Looks up a name
/// in the target's working directory, the data directory, which hangs where that does: only for a
/// target that waits for a frozen file system, for those keep from writing and not from looking.
void follow_tablespace_link(const ProcFs& proc, pid_t pid, FdTarget& target);

/// The mount that a target of `pid` was found to be on; of mounts stacked on one place the last.
/// Nothing where it is gone by now.
[[nodiscard]] std::optional<Mount> mount_of(const ProcFs& proc, pid_t pid, const FdTarget& target);

/// The text of a link in /proc/PID, split.
struct LinkText {
  std::string target;
  bool deleted = false;
};

/// Takes ` (deleted)` off.
[[nodiscard]] LinkText split_link(std::string text);

}  // namespace pghang
