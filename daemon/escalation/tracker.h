#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/activity.h"
#include "daemon/escalation/exemption.h"
#include "daemon/escalation/rule_matcher.h"
#include "diagnosis/incident.h"

/// What is to be done with stuck backends, decided without doing it (DESIGN section 6). Pure: time
/// is an argument, nothing blocks, nothing is logged. The supervisor feeds polls and answers in and
/// carries the orders out.
namespace pghang::escalation {

using TimePoint = std::chrono::steady_clock::time_point;
using SightingId = std::uint64_t;  ///< never reused within a tracker

enum class SignalKind { cancel, terminate };

/// What the server said to a signal.
enum class SignalAnswer {
  accepted,    ///< the function returned true
  refused,     ///< it returned false or raised an error (superuser's backend, missing role, gone
               ///< meanwhile)
  superseded,  ///< the guard matched no row: another statement, transaction or backend
  unknown,     ///< no answer (timeout, connection lost): it may or may not have been sent
};

[[nodiscard]] const char* to_string(SignalKind kind);
[[nodiscard]] const char* to_string(SignalAnswer answer);

/// What the signal's statement re-checks, NULL-safe. backend_start and xact_start always.
struct Guard {
  BackendKey backend;
  std::optional<PgTimestamp> xact_start;
  bool check_query_start = false;  ///< rules that judged an active backend
  std::optional<PgTimestamp> query_start;
  bool check_state_change = false;  ///< rules that judged an idle one
  std::optional<PgTimestamp> state_change;
  std::optional<std::string> state;

  friend bool operator==(const Guard&, const Guard&) = default;
};

struct SignalOrder {
  SightingId id = 0;
  SignalKind kind = SignalKind::cancel;
  Guard guard;
};

/// Wants a capture: unresponsive, or matched where nothing will be signalled; again every
/// `Sampling::repeat`.
struct CaptureOrder {
  SightingId id = 0;
  BackendKey backend;
};

/// A sighting moved. `outcome` is set when `to` is resolved.
struct StageChange {
  SightingId id = 0;
  Stage from = Stage::watching;
  Stage to = Stage::watching;
  std::optional<Outcome> outcome;
  std::string note;
};

/// A signal that was due and is not sent; reported once per sighting and reason.
struct Suppression {
  SightingId id = 0;
  std::string reason;  ///< to_string(Exemption), `mode_observe`, `rule_observe`
};

/// Everything one step asks of the world, in order.
struct Orders {
  std::vector<StageChange> changes;
  std::vector<SignalOrder> signals;
  std::vector<CaptureOrder> captures;
  std::vector<Suppression> suppressions;
};

/// One backend's sighting as it stands.
struct SightingState {
  SightingId id = 0;
  std::size_t rule = 0;
  Stage stage = Stage::watching;
  std::optional<Exemption> exemption;
  Activity activity;  ///< as last seen
  TimePoint first_seen;
  TimePoint stage_since;
  std::optional<TimePoint> cancel_accepted_at;
  std::optional<TimePoint> terminate_accepted_at;
};

class Tracker {
 public:
  Tracker(Mode mode, Duration capture_repeat, RuleMatcher rules);
  Tracker(Tracker&&) noexcept;
  Tracker& operator=(Tracker&&) noexcept;
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;
  ~Tracker();

  /// One poll. Sightings that are not in it any more, or that are another statement now, end here.
  [[nodiscard]] Orders observe(const ActivitySnapshot& snapshot, TimePoint now);
  /// The answer to a SignalOrder. Each order gets exactly one; until then the sighting is signalled
  /// no further. `words`: the server's own, for the timeline.
  [[nodiscard]] Orders signal_answered(
      SightingId id,
      SignalKind kind,
      SignalAnswer answer,
      const std::string& words,
      TimePoint now
  );
  /// What a capture saw of ProcDiePending (or SIGTERM pending). When it stays set for the rule's
  /// terminate_grace, somebody's terminate is being ignored: the sighting becomes unresponsive
  /// without a signal from us.
  [[nodiscard]] Orders terminate_pending_seen(SightingId id, bool pending, TimePoint now);
  /// New rules or mode (reload). Sightings whose rule (by name) is unchanged keep their stage and
  /// clocks; others end as `finished`, to be judged anew by the next poll.
  [[nodiscard]] Orders
  reconfigure(Mode mode, Duration capture_repeat, RuleMatcher rules, TimePoint now);
  /// Ends every sighting without an action: a failover or another server answered.
  [[nodiscard]] Orders drop_all(const std::string& why, TimePoint now);

  [[nodiscard]] const SightingState* find(SightingId id) const;
  [[nodiscard]] std::vector<const SightingState*> sightings() const;
  [[nodiscard]] const RuleMatcher& rules() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pghang::escalation
