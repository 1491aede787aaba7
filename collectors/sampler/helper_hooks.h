#pragma once

#include <functional>

#include "collectors/stack/stack_capture.h"
#include "collectors/trace/trace_limits.h"

namespace pghang::sampler {

/// Places where a test may end or hang the helper's processes. Production leaves all of them empty.
struct HelperHooks {
  CapturePointListener capture_point;      ///< in the capture child, around the stop
  TracePointListener trace_point;          ///< in the capture child, while it traces
  std::function<void()> child_started;     ///< in the capture child, before it touches the target
  std::function<void()> request_received;  ///< in the worker
  std::function<void()> before_unwinding;  ///< in the worker, which has a capture child's report
  bool interfere = false;  ///< hooks end processes and create files: filters let them
};

}  // namespace pghang::sampler
