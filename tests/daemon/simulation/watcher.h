#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "daemon/escalation/tracker.h"
#include "tests/daemon/simulation/crowd.h"

namespace pghang::escalation::simulation {

/// What happened in a whole run, to prove that it came everywhere.
struct Seen {
  std::map<std::string, int> suppressed;  ///< by reason
  std::map<std::string, int> overcome;    ///< signalled after having waited for this reason
  std::map<SignalKind, int> hits;
  int superseded = 0;
  int lost = 0;  ///< orders of which no answer was kept over a restart
  int breakers_opened = 0;
  int breakers_closed = 0;
  int breakers_outlived = 0;  ///< deaths while one was open
  int most_unresponsive = 0;
};

/// Checks every signal of a run from outside. Shares no logic with what it checks: identities,
/// exemptions, graces, budget and breakers are worked out anew here, slowly and from the whole
/// past.
class Watcher {
 public:
  explicit Watcher(const Settings& settings);

  /// After each observe(), before anything else is done.
  void polled(
      const ActivitySnapshot& snapshot,
      const Crowd& crowd,
      const Tracker& tracker,
      const Orders& orders,
      TimePoint now
  );

  void paused(bool paused) { paused_ = paused; }

  void yields(bool yields) { yields_ = yields; }

  void breakers_reset(TimePoint now);
  /// The daemon died, and `tracker` goes on. `lost`: whose signal it had written down, and no
  /// answer.
  void
  restarted(const Tracker& tracker, std::optional<SightingId> lost, bool same_boot, TimePoint now);
  /// A signal leaves for the server.
  void sent(const SignalOrder& order, TimePoint now);
  void delivered(const SignalOrder& order, const Delivery& delivery, TimePoint now);
  void answered(const SignalOrder& order, SignalAnswer answer, TimePoint now);
  /// Orders from anything but a poll.
  void told(const Orders& orders);

  [[nodiscard]] const Seen& seen() const { return seen_; }

 private:
  struct Judged {
    std::uint64_t serial = 0;  ///< what the backend did when the rule first matched
    std::string rule;
    std::optional<std::pair<SignalKind, TimePoint>> answered;
    bool cancel_accepted = false;
    bool terminate_accepted = false;
    bool lost = false;                 ///< a daemon died over its signal, which may have been sent
    std::set<std::string> waited_for;  ///< reasons told since the last answer
  };

  struct RuleBreaker {
    std::deque<std::pair<TimePoint, std::uint64_t>> past;  ///< every poll within the window
    bool open = false;
    std::uint64_t high = 0;
    TimePoint high_at;
    std::uint64_t last = 0;
  };

  void look_at_breakers(
      const ActivitySnapshot& snapshot,
      const Tracker& tracker,
      const Orders& orders,
      TimePoint now
  );
  void ordered(const SignalOrder& order, TimePoint now);
  void suppressed(const Suppression& suppression);
  [[nodiscard]] const Rule& rule_of(const Judged& judged) const;

  Settings settings_;
  bool paused_ = false;
  bool yields_ = false;
  ActivitySnapshot latest_;
  std::uint64_t sessions_ = 0;
  std::uint64_t under_way_ = 0;
  std::uint64_t unresponsive_ = 0;
  std::map<SightingId, Judged> judged_;
  std::map<SightingId, std::pair<SignalKind, bool>> in_flight_;  ///< ordered by this poll; sent
  std::map<std::string, RuleBreaker> breakers_;
  std::vector<TimePoint> ordered_at_;
  std::map<std::uint64_t, std::pair<TimePoint, Duration>> hits_;  ///< by serial: when, its grace
  Seen seen_;
};

}  // namespace pghang::escalation::simulation
