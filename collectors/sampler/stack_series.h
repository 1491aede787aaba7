#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "collectors/evidence/process.h"
#include "collectors/process/procfs.h"
#include "collectors/sampler/capture_report.h"
#include "collectors/stack/stack_capture.h"

namespace pghang::sampler {

/// The stacks of one capture's samples, each different one kept once.
class StackSeries {
 public:
  StackSeries(
      const ProcFs& proc,
      ProcessKey key,
      const CaptureRequest& request,
      const CapturePointListener& listener,
      ChildReport& report
  );

  /// The stack of a sample that is not the last: in_place, of a running process by one stop where
  /// `may_stop`, or none. Sets the sample's held_micros.
  void take(Sample& sample, bool may_stop);

  /// The stack of the last sample: in_place, or by one stop where that is needed and allowed. What
  /// could not be had is added to the report's `missing`.
  void take_last(Sample& sample);

  /// One stop, as a task of its own.
  void take_stopped();

 private:
  [[nodiscard]] bool has_not_run_since_last(const Sample& sample) const;
  [[nodiscard]] Result<StackSnapshot> in_place();
  [[nodiscard]] Result<StackSnapshot> stopped();
  [[nodiscard]] Result<StackSnapshot> any_way();
  [[nodiscard]] std::size_t kept_bytes() const;

  /// What did not stop in time is not asked again.
  [[nodiscard]] bool may_stop() const { return request_.allow_ptrace_stop && !stop_timed_out_; }

  void keep(StackSnapshot snapshot, Sample& sample);

  const ProcFs& proc_;
  ProcessKey key_;
  const CaptureRequest& request_;
  const CapturePointListener& listener_;
  ChildReport& report_;
  bool stop_timed_out_ = false;
  Sample last_;                   ///< the sample that the last in_place stack belongs to
  std::uint32_t last_stack_ = 0;  ///< its number in the report, plus 1
};

}  // namespace pghang::sampler
