#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/activity.h"
#include "collectors/evidence/server_survey.h"
#include "daemon/escalation/circumstances.h"
#include "daemon/escalation/exemption.h"
#include "daemon/escalation/rule_matcher.h"
#include "daemon/escalation/safeguards.h"
#include "daemon/escalation/saved_sighting.h"
#include "daemon/escalation/signal.h"
#include "diagnosis/incident.h"

/// What is to be done with stuck backends, decided without doing it (DESIGN section 6). Pure: time
/// is an argument, nothing blocks, nothing is logged. The supervisor feeds polls and answers in and
/// carries the orders out. One sighting's life is SightingMachine (sighting_machine.h).
namespace pghang::escalation {

using SightingId = std::uint64_t;  ///< never reused within a tracker

struct SignalOrder {
  SightingId id = 0;
  SignalKind kind = SignalKind::cancel;
  Guard guard;
};

/// Wants a capture: unresponsive, or matched where nothing will be signalled (suppressed, or given
/// up after refusals or missing answers), again every `Sampling::repeat`; or ahead of a signal
/// (Rule::capture says when).
struct CaptureOrder {
  SightingId id = 0;
  BackendKey backend;
  ProcessKey process{};  ///< of this host, where it is known; pid 0: `backend` says who
};

/// One backend's sighting as it stands.
struct SightingState {
  SightingId id = 0;
  std::size_t rule = 0;  ///< index into rules().rules(), but not for one that reconfigure() ended
  std::string rule_name;
  Stage stage = Stage::watching;
  std::optional<Exemption> exemption;  ///< stays once seen at or after the match
  Activity activity;                   ///< as last seen
  TimePoint first_seen;
  TimePoint stage_since;
  std::optional<TimePoint> cancel_accepted_at;
  std::optional<TimePoint> terminate_accepted_at;
  Source source = Source::sql;
  std::string protected_by;  ///< the entry, where the exemption is `protected`
  std::string suppressed;    ///< why a signal that is due is not sent, as of the latest poll
  /// `cancel: must be a superuser to ...`: the latest signal, which the server refused, and its own
  /// words; empty once one was accepted.
  std::string refused;
};

/// A sighting moved. `outcome` is set when `to` is resolved. A sighting may go from watching to
/// resolved (its criteria stopped holding before `for` had passed): that was never an incident.
struct StageChange {
  SightingId id = 0;
  Stage from = Stage::watching;
  Stage to = Stage::watching;
  std::optional<Outcome> outcome;
  std::string note;
  SightingState sighting;  ///< after the move; find() does not know one that is resolved
  bool unseen = false;     ///< resolved: it ended while nobody looked, so nobody knows when
};

/// A signal that was due and is not sent; reported once for each reason until a signal is answered.
struct Suppression {
  SightingId id = 0;
  /// to_string(Exemption), to_string(Restraint), or:
  /// `rule_observe`: the rule's action is observe
  /// `mode_observe`: the daemon's mode is observe
  /// `idle_ignores_cancel`: the rule goes no further than cancel, which an idle backend ignores
  /// `no_identity`: query_start (state_change of an idle one) is NULL, so that nothing could
  ///   re-check what a signal would hit
  /// `without_sql`: SQL does not work, and `signal_without_sql` is off
  /// `undecided_without_sql`: an exemption, a criterion or the identity cannot be decided without
  /// SQL
  std::string reason;
};

/// Everything one step asks of the world. `changes` in the order they happened: sightings that
/// ended come before those that began. The signals of one step are to different backends.
struct Orders {
  std::vector<StageChange> changes;
  std::vector<SignalOrder> signals;
  std::vector<CaptureOrder> captures;
  std::vector<Suppression> suppressions;
  std::vector<BreakerEvent> breakers;
};

/// The set of sightings over polls. A backend has at most one.
///
/// A sighting begins with the first poll in which a rule matches a row, and is that rule's to its
/// end. It is matched once the rule has been the first to match, in every poll, for `for`; a poll
/// that failed is none (do not call observe() for it) and interrupts nothing. Until a signal is
/// accepted the rule must be the first to match in the very poll that orders one; afterwards only
/// the identity counts. A backend absent from a poll counts as gone; the next statement of the same
/// backend is a new sighting, judged in that same poll.
///
/// Nothing is signalled twice within a grace: a sighting of the very statement that an earlier one
/// was signalled for (ended by a reload, or because its criteria paused) waits out that grace.
///
/// Time may stand still; a `now` before the latest one counts as the latest.
class Tracker {
 public:
  Tracker(Mode mode, Duration capture_repeat, RuleMatcher rules);
  Tracker(Tracker&&) noexcept;
  Tracker& operator=(Tracker&&) noexcept;
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;
  ~Tracker();

  /// One poll. Sightings that are not in it any more, or that are another statement now, end here.
  /// At most one signal and one capture per sighting. Of rows with the same pid the first counts.
  /// `facts`: of the backends for which rules ask for them (RuleMatcher::needs()).
  [[nodiscard]] Orders
  observe(const ActivitySnapshot& snapshot, TimePoint now, const FactTable& facts = {});
  /// The answer to a SignalOrder. Each order gets exactly one; until then the sighting is signalled
  /// no further. `words`: the server's own, for the timeline. Graces start at this `now`. Refused
  /// or unknown: the sighting stays where it is and the same signal is due a grace later, until
  /// three refusals or two unknowns in a row. Superseded: it ends as `superseded`, or as
  /// `cancelled` when a cancel had been accepted before. An answer nobody waits for changes
  /// nothing.
  [[nodiscard]] Orders signal_answered(
      SightingId id,
      SignalKind kind,
      SignalAnswer answer,
      const std::string& words,
      TimePoint now
  );
  /// Instead of an answer: the order was not sent, since something restrains all signals by now. It
  /// is due again with the next poll.
  [[nodiscard]] Orders
  signal_withheld(SightingId id, SignalKind kind, Restraint restraint, TimePoint now);
  /// What a capture saw of ProcDiePending (or SIGTERM pending). When it stays set for the rule's
  /// terminate_grace, somebody's terminate is being ignored: the sighting, if matched, becomes
  /// unresponsive without a signal from us, and ends with its statement.
  [[nodiscard]] Orders terminate_pending_seen(SightingId id, bool pending, TimePoint now);
  /// The server's processes, while SQL does not work: instead of observe(). Nobody is judged anew;
  /// process_guard.h says what is told of a sighting. Its signals are for the processes of this
  /// very survey.
  [[nodiscard]] Orders
  observe_processes(const ServerSurvey& survey, bool may_signal, TimePoint now);
  /// The capture that a CaptureOrder asked for has come, or has failed. A signal that waits for it
  /// is due with the next poll.
  void capture_ended(SightingId id, TimePoint now);
  /// A signal waits no longer than this for the capture ahead of it (kCaptureDeadline until
  /// called).
  void bound_captures(Duration deadline);
  /// New rules or mode (reload). Sightings whose rule (by name) is unchanged keep their stage and
  /// clocks; others end as `finished`, to be judged anew by the next poll. Orders nothing else.
  [[nodiscard]] Orders
  reconfigure(Mode mode, Duration capture_repeat, RuleMatcher rules, TimePoint now);
  /// Ends every sighting without an action, as `finished` with `why` as the note: a failover or
  /// another server answered.
  [[nodiscard]] Orders drop_all(const std::string& why, TimePoint now);

  /// What a tracker of the next daemon resumes from: every open sighting, and of resolved ones
  /// those that left a grace behind. saved(id): of an open one alone.
  [[nodiscard]] std::vector<SavedSighting> saved() const;
  [[nodiscard]] std::optional<SavedSighting> saved(SightingId id) const;
  /// Goes on with sightings of the same server, each under its id, as if no time had been lost: a
  /// grace ends when it would have ended, one saved in another boot runs anew. What was under way
  /// is never sent again. Those whose rule is not among the rules any more end, as by
  /// reconfigure(). Of several of one backend the latest counts, and none where the tracker has one
  /// already. The next poll sees what became of them. Orders nothing else.
  [[nodiscard]] Orders
  resume(const std::vector<SavedSighting>& saved, bool same_boot, TimePoint now);

  /// An open sighting; null for any other. The pointer lives until the next call that is not const.
  [[nodiscard]] const SightingState* find(SightingId id) const;
  [[nodiscard]] std::vector<const SightingState*> sightings() const;  ///< open ones, oldest first
  [[nodiscard]] const RuleMatcher& rules() const;
  /// What is asked before a signal is ordered; restrains nothing until it is configured.
  [[nodiscard]] Safeguards& safeguards();
  [[nodiscard]] const Safeguards& safeguards() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pghang::escalation
