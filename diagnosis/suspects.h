#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "collectors/evidence/capture.h"

namespace pghang {

/// Another process of the cluster that may hold what the captured one waits for. PostgreSQL does
/// not publish who holds an LWLock: this is circumstantial evidence, and its words say so.
struct Suspect {
  pid_t pid = 0;         ///< on this host
  pid_t server_pid = 0;  ///< as the server counts
  std::string title;     ///< its process title
  ProcessState state = ProcessState::unknown;
  std::string where;  ///< `waits in pwrite64("/mnt/ts/PG_15/5/16390")`
  std::string why;    ///< `state D, where no signal reaches it; InterruptHoldoffCount=1`

  friend bool operator==(const Suspect&, const Suspect&) = default;
};

/// Who of `capture.cluster` may keep the captured process waiting: those in D state, stopped,
/// traced or frozen, those that were asked to stop and are still there, and those that wait with
/// interrupts held. For an LWLock only those that can hold one: its holder has
/// InterruptHoldoffCount > 0 until it lets go (lwlock.c), so a readable zero acquits. The most
/// telling first, then by pid. Empty where nobody is suspect, and where nobody was looked at.
[[nodiscard]] std::vector<Suspect> suspects_of(const Capture& capture);

}  // namespace pghang
