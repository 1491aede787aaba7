#pragma once

#include <sys/types.h>

#include <string>

#include "config/unique_fd.h"

/// What the helper's processes (keeper, worker, capture child) do alike.
namespace pghang::sampler {

/// PR_SET_NAME, as seen in ps and /proc/PID/comm.
void set_process_name(const char* name);

/// Asks the kernel to end this process with its parent. Exits at once when `parent` is no longer
/// the parent: then the signal would never come.
void end_with_parent(pid_t parent);

/// Closes every descriptor but the standard ones and `kept`.
void close_all_but(int kept);

/// `killed by signal 11 (Segmentation fault)` or `exit code 1`, from waitpid's status.
[[nodiscard]] std::string describe_end(int wait_status);

}  // namespace pghang::sampler
