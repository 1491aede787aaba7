#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "config/result.h"

namespace pghang {

/// The one opener of /proc, and of the little that is asked of /sys. Every call can block
/// (mmap_lock, a dying process), so it runs in a capture child with a deadline, never in the
/// daemon. Errors: not_found (ENOENT, ESRCH: the process is gone), permission_denied, io. Tests
/// give another root.
class ProcFs {
 public:
  struct Link {
    std::string name;
    std::string text;
  };

  explicit ProcFs(std::string root = "/proc", std::string sys = "/sys");

  /// The whole text of /proc/PID/NAME, at most `limit` bytes.
  [[nodiscard]] Result<std::string>
  read(pid_t pid, const std::string& name, std::size_t limit = 4U << 20U) const;
  /// The text of a symbolic link, /proc/PID/NAME.
  [[nodiscard]] Result<std::string> link(pid_t pid, const std::string& name) const;
  /// The names in a directory, /proc/PID/NAME, without `.` and `..`.
  [[nodiscard]] Result<std::vector<std::string>> list(pid_t pid, const std::string& name) const;
  /// Name and text of every symbolic link in a directory; links that go meanwhile are left out.
  [[nodiscard]] Result<std::vector<Link>> links(pid_t pid, const std::string& name) const;
  /// Every numeric directory of the root.
  [[nodiscard]] Result<std::vector<pid_t>> pids() const;
  /// A file of the root itself: `stat` (for btime), `locks`, ...
  [[nodiscard]] Result<std::string>
  read_global(const std::string& name, std::size_t limit = 4U << 20U) const;

  /// A file, the text of a link, and the names in a directory of /sys: `dev/block/7:3`, ...
  [[nodiscard]] Result<std::string> read_sys(const std::string& name) const;
  [[nodiscard]] Result<std::string> sys_link(const std::string& name) const;
  [[nodiscard]] Result<std::vector<std::string>> list_sys(const std::string& name) const;

  [[nodiscard]] const std::string& root() const { return root_; }

 private:
  std::string root_;
  std::string sys_;
};

}  // namespace pghang
