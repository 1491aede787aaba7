#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "config/settings.h"
#include "daemon/escalation/restraint.h"
#include "daemon/escalation/saved_sighting.h"
#include "daemon/escalation/signal.h"

namespace pghang::escalation {

/// How one server stands at a poll.
struct Load {
  std::uint64_t sessions = 0;   ///< all that report a state, idle ones included
  std::uint64_t under_way = 0;  ///< signalled and still there, unresponsive ones included
  std::uint64_t unresponsive = 0;
};

/// How many signals one server may get. Pure. Windows slide: an action counts until a minute
/// (an hour) after it. Without configure() there is no limit.
class Budget {
 public:
  void configure(const BudgetSettings& settings) { settings_ = settings; }

  /// With every poll, before anything is asked of it.
  void polled(const Load& load) { load_ = load; }

  /// Why one more signal would be too much now; nothing when it may be sent. `first`: of a backend
  /// that is not under way yet.
  [[nodiscard]] std::optional<Restraint> refuses(bool first, TimePoint now) const;

  /// A signal that was not refused is going to be sent.
  void spend(bool first, TimePoint now);

  /// What was spent within the hour, for the next daemon.
  [[nodiscard]] std::vector<Moment> saved(TimePoint now) const;

  /// Counts what the last daemon spent, too. How long ago another boot was nobody knows (the wall
  /// clock may have been set meanwhile): what was spent then counts as if it was now.
  void resume(const std::vector<Moment>& spent, bool same_boot, TimePoint now);

 private:
  [[nodiscard]] std::uint64_t spent_within(Duration length, TimePoint now) const;

  std::optional<BudgetSettings> settings_;
  Load load_;
  std::deque<TimePoint> spent_;
};

}  // namespace pghang::escalation
