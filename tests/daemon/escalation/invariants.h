#pragma once

#include <array>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/escalation/tracker.h"
#include "tests/daemon/escalation/fake_server.h"

namespace pghang::escalation::testing {

/// What was seen over a whole walk, to prove that it came everywhere.
struct Coverage {
  std::map<Outcome, int> outcomes;
  std::map<SignalKind, int> hits;
  int matched = 0;
  int unresponsive = 0;
  int captures = 0;
};

/// Watches a tracker from outside and fails the test where it breaks a promise. It shares no logic
/// with the tracker: identities, protection and graces are worked out anew here.
class Invariants {
 public:
  void configured(Mode mode, std::vector<Rule> rules);
  /// After every observe(). Call it before anything else is done to server or tracker.
  void polled(
      const ActivitySnapshot& snapshot,
      const FakeServer& server,
      const Tracker& tracker,
      const Orders& orders,
      TimePoint now
  );
  void delivered(const SignalOrder& order, const Delivery& delivery, TimePoint now);
  void answered(const SignalOrder& order, SignalAnswer answer, const Orders& orders, TimePoint now);
  /// After terminate_pending_seen().
  void pending_seen(SightingId id, bool pending, const Orders& orders, TimePoint now);
  /// After reconfigure() or drop_all().
  void dropped(const Orders& orders, TimePoint now);
  /// After everything was dropped.
  void finished();

  [[nodiscard]] const Coverage& coverage() const { return coverage_; }

 private:
  struct Record {
    Rule rule;
    Activity judged;  ///< the row that the sighting began with
    std::uint64_t serial = 0;
    Stage stage = Stage::watching;
    TimePoint first_seen;
    std::optional<SignalKind> unanswered;
    std::optional<std::pair<SignalKind, TimePoint>> last_answer;
    std::optional<TimePoint> cancel_accepted;
    std::optional<TimePoint> terminate_accepted;
    std::optional<TimePoint> captured;
    std::optional<TimePoint> pending_since;
    int maybe_sent = 0;  ///< answers `unknown`
    int outcomes = 0;
  };

  enum class Source { poll, answer, pending, drop };

  void begin(const SightingState& state, const FakeServer& server, TimePoint now);
  void moved(const StageChange& change, Source source, TimePoint now);
  void ended(const Record& record, const StageChange& change);
  void ordered(const SignalOrder& order, TimePoint now);
  void captured(const CaptureOrder& order, TimePoint now);
  void nothing_overdue(TimePoint now);
  void forget_resolved();
  [[nodiscard]] const Activity* row(const BackendKey& key) const;

  Mode mode_ = Mode::observe;
  std::vector<Rule> rules_;
  ActivitySnapshot latest_;
  std::map<SightingId, Record> records_;
  /// When the statement with that serial was last hit, and how long it has to be left alone.
  std::map<std::uint64_t, std::pair<TimePoint, Duration>> hits_;
  Coverage coverage_;
};

}  // namespace pghang::escalation::testing
