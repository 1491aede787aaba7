#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <vector>

#include "collectors/process/procfs.h"
#include "collectors/sampler/capture_child.h"
#include "collectors/sampler/helper_filters.h"
#include "collectors/sampler/helper_hooks.h"
#include "collectors/sampler/interrupt_variables.h"
#include "collectors/sampler/mappings_memo.h"
#include "collectors/sampler/survey_task.h"
#include "collectors/sampler/trace_task.h"
#include "collectors/stack/module_cache.h"

namespace pghang::sampler {

/// CPU time of this process and its threads.
[[nodiscard]] double own_cpu_micros();

/// One request's clock and costs.
struct Turn {
  std::chrono::steady_clock::time_point received = std::chrono::steady_clock::now();
  std::chrono::milliseconds deadline{0};
  double cpu_before = own_cpu_micros();
  double child_cpu_micros = 0;

  [[nodiscard]] std::chrono::steady_clock::time_point at(std::chrono::milliseconds budget) const {
    return received + budget;
  }
};

/// The process itself from now on, whatever it was asked for by.
void settle(ChildTask& task, const Capture& found);

/// The worker's forked children, which alone touch a target, and what they are given to know of
/// its modules. Each of them is ended at `budget` (timeout), however it hangs. Errors beside that:
/// io (it died, or its report cannot be read).
class CaptureChildren {
 public:
  using Budget = std::chrono::milliseconds;

  /// References outlive it. `keeper_socket` as run_forked() takes it.
  CaptureChildren(int keeper_socket, const HelperHooks& hooks, const HelperFilters& filters)
      : keeper_socket_(keeper_socket),
        hooks_(hooks),
        filters_(filters) {}

  [[nodiscard]] Result<ChildReport> capture(const ChildTask& task, Budget budget, Turn& turn);
  [[nodiscard]] Result<SurveyReport> survey(const SurveyTask& task, Budget budget, Turn& turn);
  [[nodiscard]] Result<TraceReport> trace(const TraceRequest& request, Budget budget, Turn& turn);
  /// How the target is when the tracer has let it go.
  [[nodiscard]] Result<TraceReport>
  look_after_trace(const TraceRequest& request, Budget budget, Turn& turn);

  /// A child asked for these modules (need_modules): parses their files here, in the worker.
  void load_modules(pid_t pid, const std::vector<Mapping>& mappings);

  [[nodiscard]] ModuleCache& modules() { return modules_; }

  /// A child was sent SIGKILL and has not died: the worker has to end.
  [[nodiscard]] bool stuck() const { return stuck_; }

  void note_stuck() { stuck_ = true; }

 private:
  template <typename Report>
  [[nodiscard]] Result<Report>
  report_of(const std::function<Report()>& body, Budget budget, Turn& turn);
  void find_mappings(ChildReport& report);

  int keeper_socket_;
  const HelperHooks& hooks_;
  const HelperFilters& filters_;
  ProcFs proc_;
  ModuleCache modules_;
  VariableSymbols variables_;
  MappingsMemo memo_;
  bool stuck_ = false;
};

}  // namespace pghang::sampler
