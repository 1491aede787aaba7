#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/settings.h"
#include "daemon/escalation/exemption.h"
#include "daemon/escalation/restraint.h"
#include "daemon/escalation/saved_sighting.h"
#include "daemon/escalation/signal.h"
#include "diagnosis/incident.h"

namespace pghang::escalation {

/// After this many refusals in a row a sighting is signalled no more.
inline constexpr unsigned kMaxRefusals = 3;
/// After this many signals in a row without an answer a sighting is signalled no more.
inline constexpr unsigned kMaxUnknowns = 2;

/// Suppression: an exemption, a criterion or the identity cannot be decided without SQL.
inline constexpr const char* kUndecidedWithoutSql = "undecided_without_sql";
/// Suppression: SQL does not work, and `signal_without_sql` is off.
inline constexpr const char* kWithoutSql = "without_sql";
/// How long a signal waits for the capture ahead of it.
inline constexpr Duration kCaptureDeadline{std::chrono::seconds{5}};

/// How one sighting is to be treated: its rule, as far as it matters here, and the mode.
struct Policy {
  Mode mode = Mode::observe;
  RuleAction action = RuleAction::observe;
  Duration for_{0};
  Duration cancel_grace{0};
  Duration terminate_grace{0};
  Duration capture_repeat{0};
  std::vector<CaptureMoment> capture{CaptureMoment::unresponsive};
  Duration capture_deadline = kCaptureDeadline;

  [[nodiscard]] bool captures(CaptureMoment moment) const;
};

/// What the rule judged.
enum class Judged {
  running,       ///< a statement: cancel first
  idle,          ///< idle, idle in transaction, aborted: PostgreSQL ignores a cancel there
  unidentified,  ///< nothing tells its statements apart: never signalled
};

[[nodiscard]] Judged judged(const Guard& guard);

enum class Presence {
  absent,           ///< the backend is not in the poll: gone, or idle and not asked for
  other_statement,  ///< the same backend does something else than what was judged
  same_statement,   ///< guard_of() its row equals the sighting's guard
};

/// One poll, as it concerns one sighting.
struct Polled {
  Presence presence = Presence::absent;
  bool criteria_hold = false;  ///< the sighting's rule is the first that matches
  std::optional<Exemption> exemption;
};

struct Answered {
  SignalKind kind = SignalKind::cancel;
  SignalAnswer answer = SignalAnswer::unknown;
  std::string words;
};

struct TerminatePendingSeen {
  bool pending = false;
};

/// What is seen of the backend's process while SQL does not work.
struct ProcessSeen {
  bool present = true;
  bool same_statement = false;  ///< certainly what was judged; false also where that is not known
  bool terminate_pending = false;
  std::optional<std::string> hindrance{};  ///< why it is not signalled without SQL
};

/// A capture that was ordered has come, or has failed.
struct CaptureEnded {};

/// The sighting is given up without an action.
struct Dropped {
  std::string why;
};

/// The signal of the last step was not sent: something restrains all of a rule's or a server's
/// signals. It is due again with the next poll.
struct Withheld {
  SignalKind kind = SignalKind::cancel;
  Restraint restraint = Restraint::paused;
};

using Input = std::
    variant<Polled, Answered, TerminatePendingSeen, Dropped, ProcessSeen, CaptureEnded, Withheld>;

enum class Step { wait, send_cancel, send_terminate, capture };

struct Action {
  Step step = Step::wait;
  std::optional<std::string> suppressed;  ///< the reason, once for each signal that was due
  std::optional<Outcome> outcome;         ///< set by the step that resolves
  std::string note;                       ///< why the stage changed; empty if it did not
};

/// No further signal until `length` after `since`.
struct HoldOff {
  TimePoint since;
  Duration length{0};
};

/// One sighting from first match to end, as a pure function of its inputs. The stage only ever
/// moves forward; every input leads to at most one step. `now` must not go backwards.
///
/// watching
/// - criteria fail, or not the same → resolved: finished
/// - `for` has passed → matched, and judged as that at once
/// matched
/// - not the same → resolved: finished, refused or exempt
/// - criteria fail and no hold-off runs → resolved, the same way
/// - must not be signalled → suppressed, once; capture, repeated
/// - may be signalled → send cancel (to an idle one: terminate)
/// - signal withheld → suppressed, once; capture, repeated; the same again with the next poll
/// - signal accepted → cancel_sent (terminate_sent)
/// - refused or unknown → the same again a grace later, until kMax…; then capture, repeated
/// - superseded → resolved: superseded
/// - somebody's terminate pending for a grace → unresponsive
/// cancel_sent
/// - not the same → resolved: cancelled
/// - grace passed, may be terminated → send terminate
/// - terminate withheld → suppressed, once; capture, repeated; the same again with the next poll
/// - grace passed, otherwise → unresponsive
/// - terminate accepted → terminate_sent
/// - terminate refused or unknown → again a grace later, until kMax…; then unresponsive
/// - terminate superseded → resolved: cancelled
/// terminate_sent
/// - backend absent → resolved: terminated
/// - grace passed → unresponsive
/// unresponsive
/// - not the same → resolved: self_resolved
/// - otherwise → capture, repeated; never a signal
///
/// While SQL does not work (ProcessSeen) criteria are not judged anew, and watching stands still.
/// - process gone → resolved, as above
/// - matched, cancel_sent: same statement and nothing hinders → signals as above; else a repeated
///   capture, and the signal waits for SQL. What could not be terminated anyway: cancel_sent →
///   unresponsive, where it is the same statement
/// - terminate_sent, unresponsive: as above
/// A capture ahead of a signal (Policy::capture) takes the signal's place: the same signal is due
/// with the first poll after the capture has ended, or once capture_deadline has passed, if all
/// still holds. There is one for each kind of signal. Other captures only where the policy has
/// CaptureMoment::unresponsive.
///
/// "Not the same" is another statement or no backend; after an accepted terminate only the latter.
/// A hold-off is the grace that follows every answer but `superseded`; while it runs, or while a
/// signal is unanswered, nothing is sent and criteria do not matter. An exemption seen at or after
/// the match stays. A refusal counts as outcome `refused` only when a later poll still saw the
/// backend: until then it may have been refused because it was gone.
class SightingMachine {
 public:
  /// `inherited`: a hold-off that an earlier sighting of the same statement left behind.
  SightingMachine(
      const Policy& policy,
      Judged judged,
      std::optional<HoldOff> inherited,
      TimePoint now
  );

  /// Goes on where another one was. A signal that was under way may have been sent: after its grace
  /// nothing more is, as if its answer had been unknown once too often. `same_boot`: the moments
  /// are of this boot; else every clock starts again at `now`. No moment is later than `now`.
  SightingMachine(
      const Policy& policy,
      Judged judged,
      const SavedMachine& saved,
      bool same_boot,
      TimePoint now
  );

  [[nodiscard]] SavedMachine saved() const;

  [[nodiscard]] Action advance(const Input& input, TimePoint now);

  void set_policy(const Policy& policy) { policy_ = policy; }

  [[nodiscard]] Stage stage() const { return stage_; }

  [[nodiscard]] TimePoint first_seen() const { return first_seen_; }

  [[nodiscard]] TimePoint stage_since() const { return stage_since_; }

  [[nodiscard]] std::optional<Exemption> exemption() const { return exemption_; }

  [[nodiscard]] std::optional<TimePoint> cancel_accepted_at() const { return cancel_accepted_at_; }

  [[nodiscard]] std::optional<TimePoint> terminate_accepted_at() const {
    return terminate_accepted_at_;
  }

  /// Why the signal that is due was not sent, as of the latest poll; empty when none is due.
  [[nodiscard]] const std::string& suppressed() const { return suppressed_; }

  /// The hold-off that runs at `now`; an unanswered signal may have been sent this moment.
  [[nodiscard]] std::optional<HoldOff> hold_off(TimePoint now) const;

 private:
  Action on(const Polled& poll, TimePoint now);
  Action on(const Answered& answered, TimePoint now);
  Action on(const TerminatePendingSeen& seen, TimePoint now);
  Action on(const Dropped& dropped, TimePoint now);
  Action on(const ProcessSeen& seen, TimePoint now);
  Action on(const CaptureEnded& ended, TimePoint now);
  Action on(const Withheld& withheld, TimePoint now);

  Action watch(const Polled& poll, TimePoint now);
  Action act_without_sql(const ProcessSeen& seen, SignalKind kind, TimePoint now);
  Action act_on_match(TimePoint now);
  Action act_after_cancel(TimePoint now);
  Action send(SignalKind kind, TimePoint now);
  [[nodiscard]] bool wants_capture_ahead(SignalKind kind) const;
  Action capture_if_due(TimePoint now);
  Action become_unresponsive(TimePoint now, std::string note);
  Action accept(SignalKind kind, const std::string& words, TimePoint now);
  Action resolve(Outcome outcome, std::string note, TimePoint now);

  void enter(Stage stage, TimePoint now);
  [[nodiscard]] bool is_over(Presence presence) const;
  [[nodiscard]] bool free_to_act(TimePoint now) const;
  [[nodiscard]] bool gave_up() const;
  [[nodiscard]] Duration grace(SignalKind kind) const;
  [[nodiscard]] Outcome natural_outcome() const;
  [[nodiscard]] const char* why_not_signal() const;
  [[nodiscard]] std::optional<std::string> suppress(const char* reason);

  Policy policy_;
  Judged judged_;
  Stage stage_ = Stage::watching;
  TimePoint first_seen_;
  TimePoint stage_since_;
  std::optional<Exemption> exemption_;
  std::optional<SignalKind> unanswered_;
  std::optional<HoldOff> hold_off_;
  std::optional<TimePoint> cancel_accepted_at_;
  std::optional<TimePoint> terminate_accepted_at_;
  std::optional<TimePoint> captured_at_;
  std::optional<TimePoint> pending_since_;  ///< somebody's terminate, first seen

  /// The capture ahead of a signal.
  struct CaptureAhead {
    SignalKind kind = SignalKind::cancel;
    TimePoint ordered_at;
    bool ended = false;
  };

  std::optional<CaptureAhead> ahead_;
  unsigned refusals_ = 0;
  unsigned unknowns_ = 0;
  bool seen_after_refusal_ = false;
  std::vector<std::string> reported_;  ///< suppression reasons since the last answer
  std::string suppressed_;
};

}  // namespace pghang::escalation
