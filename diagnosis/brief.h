#pragma once

#include <string>

#include "collectors/evidence/evidence.h"
#include "diagnosis/verdict.h"

namespace pghang {

/// What a brief look at another process of the cluster (one sample, no stack) says by the same
/// decision list.
struct Brief {
  pid_t pid = 0;         ///< on this host
  pid_t server_pid = 0;  ///< as the server counts
  std::string kind;      ///< backend_kind()
  std::string words;     ///< what holds it, or where it is: one sentence
  ReleaseStep step;      ///< the safest way to free it, or to find out more
};

[[nodiscard]] Evidence brief_evidence(const ClusterProcess& process);
[[nodiscard]] Brief brief_of(const ClusterProcess& process);

}  // namespace pghang
