#pragma once

#include <linux/filter.h>

#include <optional>
#include <vector>

#include "config/result.h"

namespace pghang::sampler {

/// What a process gives up. A refused call fails with EPERM: a surprise costs one result, not the
/// process. (None of these is dangerous when it is refused.)
struct SyscallRules {
  /// By name; what this kernel's table does not have is left out.
  std::vector<const char*> refused;
  bool new_processes = true;  ///< false: threads may be started, processes may not
  bool write_files = true;    ///< false: files may be opened for reading only
  /// Families that socket() may have; absent: any.
  std::optional<std::vector<int>> socket_families;
  /// Requests that ptrace() may have; absent: any.
  std::optional<std::vector<int>> ptrace_requests;
};

/// A compiled seccomp filter (seccomp(2)). Inherited by every child, and never lifted: a process
/// can only give up more than its parent has. Owns libseccomp.
class SyscallFilter {
 public:
  /// Errors: unsupported (built with a sanitizer, whose runtime makes calls of its own), io.
  [[nodiscard]] static Result<SyscallFilter> compile(const SyscallRules& rules);

  /// For the calling thread and all that it starts. Gives up the way to new privileges too. Costs
  /// microseconds. Errors: io.
  [[nodiscard]] Result<void> install() const;

 private:
  std::vector<sock_filter> program_;
};

/// What no process of ours does: start programs, mount, load modules, change users, set clocks,
/// write another process's memory, io_uring (which goes around filters).
[[nodiscard]] std::vector<const char*> never_called();

}  // namespace pghang::sampler
