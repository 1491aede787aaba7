#pragma once

#include <optional>
#include <string>

#include "collectors/evidence/process.h"
#include "collectors/evidence/syscall.h"

namespace pghang {

/// Another process of the same cluster, looked at briefly and without its stack: it may hold what
/// the captured one waits for.
struct ClusterProcess {
  ProcessKey key;
  std::string title;  ///< /proc/PID/cmdline: `postgres: 15/main: parallel worker for PID 4711 `
  Sample sample;      ///< one, with its interrupt flags where they could be read; no stack_id
  std::string wchan;
  std::optional<Syscall> syscall;  ///< absent while running in user space
  std::optional<RelatedProcess> tracer;
  pid_t ns_pid = 0;  ///< as Capture::ns_pid; 0 where it could not be read

  friend bool operator==(const ClusterProcess&, const ClusterProcess&) = default;
};

}  // namespace pghang
