#include "collectors/sampler/helper_process.h"

#include <string.h>  // NOLINT(modernize-deprecated-headers): sigdescr_np(3) is GNU, not <cstring>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <csignal>

namespace pghang::sampler {

void set_process_name(const char* name) {
  ::prctl(PR_SET_NAME, name);
}

void end_with_parent(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
}

void close_all_but(int kept) {
  const auto number = static_cast<unsigned>(kept);
  if (number > STDERR_FILENO + 1U) ::close_range(STDERR_FILENO + 1U, number - 1, 0);
  ::close_range(number + 1, UINT_MAX, 0);
}

std::string describe_end(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    const char* description = ::sigdescr_np(signal);
    return "killed by signal " + std::to_string(signal) + " (" +
           (description != nullptr ? description : "unknown") + ")";
  }
  return "exit code " + std::to_string(WEXITSTATUS(wait_status));
}

}  // namespace pghang::sampler
