#pragma once

#include <chrono>
#include <optional>

#include "collectors/evidence/activity.h"
#include "collectors/evidence/capture.h"
#include "collectors/evidence/syscall_trace.h"

namespace pghang {

/// What has been asked of a backend, as far as pghangd knows. Ages count from acceptance.
struct Asked {
  std::optional<std::chrono::milliseconds> cancel_accepted_ago;
  std::optional<std::chrono::milliseconds> terminate_accepted_ago;
  std::chrono::milliseconds cancel_grace{0};
  std::chrono::milliseconds terminate_grace{0};

  friend bool operator==(const Asked&, const Asked&) = default;
};

/// All that is known about one backend: the input of diagnosis/.
struct Evidence {
  std::optional<ServerInfo> server;  ///< absent without a connection (`pghangd diagnose`)
  std::optional<Activity> activity;  ///< absent without a connection
  Asked asked;
  Capture capture;
  std::optional<SyscallTrace> trace;  ///< only where a person asked for one

  friend bool operator==(const Evidence&, const Evidence&) = default;
};

}  // namespace pghang
