#include "collectors/sampler/graveyard.h"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill(2) is POSIX, not <csignal>

#include <algorithm>

namespace pghang::sampler {

void Graveyard::kill(pid_t pid, pid_t capture_child, Clock::time_point now) {
  ::kill(pid, SIGKILL);
  dying_.push_back({pid, capture_child, now});
}

pid_t Graveyard::reaped(pid_t pid) {
  const auto found = std::find_if(dying_.begin(), dying_.end(), [pid](const Dying& dying) {
    return dying.pid == pid;
  });
  if (found == dying_.end()) return 0;
  const pid_t capture_child = found->capture_child;
  dying_.erase(found);
  return capture_child;
}

bool Graveyard::holds(pid_t pid) const {
  return std::any_of(dying_.begin(), dying_.end(), [pid](const Dying& dying) {
    return dying.pid == pid;
  });
}

std::uint32_t Graveyard::abandoned(Clock::time_point now) const {
  return static_cast<std::uint32_t>(std::count_if(
      dying_.begin(),
      dying_.end(),
      [&](const Dying& dying) { return now - dying.killed_at >= grace_; }
  ));
}

}  // namespace pghang::sampler
