#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include "config/unique_fd.h"

namespace pghang::sampler {

/// pidfd_open(2) of a child not yet waited for; readable when it has ended. Empty on failure, with
/// errno. (glibc 2.36 declares it without C linkage.)
[[nodiscard]] inline UniqueFd open_pidfd(pid_t child) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
}

}  // namespace pghang::sampler
