#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "daemon/escalation/breaker.h"
#include "daemon/escalation/budget.h"
#include "daemon/escalation/protect_list.h"
#include "daemon/escalation/restraint.h"
#include "daemon/escalation/saved_sighting.h"

namespace pghang::escalation {

/// What one poll of a server amounts to.
struct Census {
  Load load;
  /// By rule that may signal: backends it would act on, or has acted on.
  std::map<std::string, std::uint64_t> matches;
};

/// A rule's breaker opened or closed with a poll.
struct BreakerEvent {
  std::string rule;
  bool open = false;
  std::uint64_t matches = 0;  ///< now
  std::uint64_t before = 0;   ///< the least within the window, when it opened
  bool restored = false;      ///< it was open when the last daemon ended
};

/// All that stands between a signal that is due and the server, for one server: pause, the other
/// daemon, the rules' breakers, the budget. Pure; the tracker asks it before it orders a signal.
/// One that was never configured restrains nothing.
class Safeguards {
 public:
  void configure(const Settings& settings);

  void pause(bool paused) { paused_ = paused; }

  void yield_to_other_daemon(bool yield) { other_daemon_ = yield; }

  /// With every poll, before anything is asked of it. Rules that are not in the census any more
  /// are forgotten.
  [[nodiscard]] std::vector<BreakerEvent> polled(const Census& census, TimePoint now);

  /// Why a signal of this rule must not be sent now; nothing when it may. `first`: of a backend
  /// that was not signalled yet.
  [[nodiscard]] std::optional<Restraint>
  restrains(const std::string& rule, bool first, TimePoint now) const;

  /// What holds for all signals, asked again when one is about to be sent.
  [[nodiscard]] std::optional<Restraint> restrains_all() const;

  /// A signal that nothing restrained is going to be sent.
  void spend(bool first, TimePoint now) { budget_.spend(first, now); }

  /// For the next daemon.
  [[nodiscard]] SavedSafeguards saved(TimePoint now) const;
  /// Goes on where the last daemon's stood. Which breakers are open by it.
  std::vector<BreakerEvent> resume(const SavedSafeguards& saved, bool same_boot, TimePoint now);

  /// Closes the breakers of this rule, or of all (empty). What was closed.
  std::vector<std::string> reset_breakers(const std::string& rule, TimePoint now);

  [[nodiscard]] const std::map<std::string, Breaker>& breakers() const { return breakers_; }

  [[nodiscard]] const ProtectList& protect_list() const { return protect_; }

 private:
  Breaker& breaker_of(const std::string& rule);

  bool paused_ = false;
  bool other_daemon_ = false;
  ProtectList protect_;
  Budget budget_;
  std::optional<BreakerSettings> breaker_settings_;
  std::map<std::string, Breaker> breakers_;  ///< by rule
};

}  // namespace pghang::escalation
