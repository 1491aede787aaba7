#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/activity.h"
#include "collectors/evidence/capture.h"
#include "daemon/escalation/circumstances.h"
#include "daemon/escalation/signal.h"

namespace pghang::escalation {

/// What repeated looks at the processes of backends tell: since when one stands still, and since
/// when a terminate is pending. Pure: time is an argument. Spans end with the latest look: nothing
/// is assumed of the time since.
class ProcessHistory {
 public:
  /// CPU time that a process may use between two looks and still stand still: being woken for
  /// nothing (a catch-up interrupt, a latch) is no progress.
  static constexpr std::uint64_t kStandstillNanos = 1'000'000;
  /// Looks may come late, behind captures. What is older than so many polls is not known any more.
  static constexpr unsigned kFreshPolls = 3;

  /// One poll: forgets who is gone, and ends the standstill of whoever shows another statement,
  /// state or wait.
  void polled(const std::vector<Activity>& rows);
  /// From now on looks at this backend, as the latest poll shows it, will come. Again has no
  /// effect.
  void watch(const Activity& row);
  /// A look at one that is watched; a process that is gone, or of which counters or
  /// flags could not be read, makes what they tell unknown.
  void looked(const BackendKey& backend, const Capture& capture, TimePoint now);
  /// A look at it that failed.
  void missed(const BackendKey& backend);

  /// `blocked_behind` is left absent.
  [[nodiscard]] BackendFacts facts(const BackendKey& backend) const;

 private:
  struct Watched {
    Guard guard;
    std::string wait;  ///< `IPC:BgWorkerShutdown` as the poll says
    std::optional<Sample> latest;
    TimePoint latest_at;
    TimePoint still_since;
    std::optional<TimePoint> pending_since;
    unsigned polls_since_look = 0;
  };

  std::map<BackendKey, Watched> watched_;  ///< those that looks were taken for
};

}  // namespace pghang::escalation
