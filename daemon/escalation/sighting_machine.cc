#include "daemon/escalation/sighting_machine.h"

#include <algorithm>
#include <utility>

namespace pghang::escalation {

bool Policy::captures(CaptureMoment moment) const {
  return std::ranges::find(capture, moment) != capture.end();
}

Judged judged(const Guard& guard) {
  if (!tells_statements_apart(guard)) return Judged::unidentified;
  return guard.check_state_change ? Judged::idle : Judged::running;
}

SightingMachine::SightingMachine(
    const Policy& policy,
    Judged judged,
    std::optional<HoldOff> inherited,
    TimePoint now
)
    : policy_(policy),
      judged_(judged),
      first_seen_(now),
      stage_since_(now),
      hold_off_(inherited) {}

Action SightingMachine::advance(const Input& input, TimePoint now) {
  if (stage_ == Stage::resolved) return {};
  return std::visit([&](const auto& alternative) { return on(alternative, now); }, input);
}

Action SightingMachine::on(const Polled& poll, TimePoint now) {
  suppressed_.clear();
  if (is_over(poll.presence)) {
    const bool absent = poll.presence == Presence::absent;
    return resolve(natural_outcome(), absent ? "backend gone" : "statement ended", now);
  }
  if (refusals_ > 0) seen_after_refusal_ = true;
  if (poll.exemption || stage_ == Stage::watching) exemption_ = poll.exemption;

  switch (stage_) {
    case Stage::watching: return watch(poll, now);
    case Stage::matched:
      if (!poll.criteria_hold && free_to_act(now)) {
        return resolve(natural_outcome(), "criteria no longer hold", now);
      }
      return act_on_match(now);
    case Stage::cancel_sent: return free_to_act(now) ? act_after_cancel(now) : Action{};
    case Stage::terminate_sent:
      if (!free_to_act(now)) return {};
      return become_unresponsive(now, "terminate grace passed, the backend is still there");
    case Stage::unresponsive: return capture_if_due(now);
    case Stage::resolved: break;
  }
  return {};
}

Action SightingMachine::watch(const Polled& poll, TimePoint now) {
  if (!poll.criteria_hold) return resolve(Outcome::finished, "criteria no longer hold", now);
  if (!has_passed(first_seen_, policy_.for_, now)) return {};
  enter(Stage::matched, now);
  return act_on_match(now);
}

Action SightingMachine::act_on_match(TimePoint now) {
  if (const char* reason = why_not_signal()) {
    Action action = capture_if_due(now);
    action.suppressed = suppress(reason);
    return action;
  }
  if (!free_to_act(now)) return {};
  if (gave_up()) return capture_if_due(now);
  return send(judged_ == Judged::running ? SignalKind::cancel : SignalKind::terminate, now);
}

Action SightingMachine::act_after_cancel(TimePoint now) {
  std::optional<std::string> suppressed;
  if (policy_.action == RuleAction::terminate && !gave_up()) {
    const char* reason = why_not_signal();
    if (reason == nullptr) return send(SignalKind::terminate, now);
    suppressed = suppress(reason);
  }
  Action action = become_unresponsive(now, "cancel grace passed, the statement still runs");
  action.suppressed = std::move(suppressed);
  return action;
}

Action SightingMachine::on(const Answered& answered, TimePoint now) {
  if (unanswered_ != answered.kind) return {};
  unanswered_.reset();
  reported_.clear();
  switch (answered.answer) {
    case SignalAnswer::accepted: return accept(answered.kind, answered.words, now);
    case SignalAnswer::refused:
      ++refusals_;
      seen_after_refusal_ = false;
      break;
    case SignalAnswer::unknown: ++unknowns_; break;
    case SignalAnswer::superseded:
      return resolve(
          stage_ == Stage::matched ? Outcome::superseded : natural_outcome(),
          std::string(to_string(answered.kind)) + " not sent: the statement had ended",
          now
      );
  }
  hold_off_ = HoldOff{.since = now, .length = grace(answered.kind)};
  return {};
}

Action SightingMachine::accept(SignalKind kind, const std::string& words, TimePoint now) {
  refusals_ = 0;
  unknowns_ = 0;
  seen_after_refusal_ = false;
  hold_off_ = HoldOff{.since = now, .length = grace(kind)};
  const bool cancel = kind == SignalKind::cancel;
  (cancel ? cancel_accepted_at_ : terminate_accepted_at_) = now;
  // It may have become unresponsive meanwhile, by somebody else's terminate.
  if (stage_ == Stage::unresponsive) return {};
  enter(cancel ? Stage::cancel_sent : Stage::terminate_sent, now);
  Action action;
  action.note = std::string(to_string(kind)) + " accepted" + (words.empty() ? "" : ": " + words);
  return action;
}

Action SightingMachine::on(const TerminatePendingSeen& seen, TimePoint now) {
  if (stage_ != Stage::matched || !seen.pending) {
    pending_since_.reset();
    return {};
  }
  if (!pending_since_) pending_since_ = now;
  if (!has_passed(*pending_since_, policy_.terminate_grace, now)) return {};
  return become_unresponsive(now, "a terminate that pghangd did not send is ignored");
}

Action SightingMachine::on(const Dropped& dropped, TimePoint now) {
  return resolve(Outcome::finished, dropped.why, now);
}

Action SightingMachine::on(const ProcessSeen& seen, TimePoint now) {
  if (!seen.present) return resolve(natural_outcome(), "its process is gone", now);
  switch (stage_) {
    case Stage::watching: break;
    case Stage::matched: {
      Action action = on(TerminatePendingSeen{.pending = seen.terminate_pending}, now);
      if (stage_ != Stage::matched) return action;
      const bool running = judged_ == Judged::running;
      return act_without_sql(seen, running ? SignalKind::cancel : SignalKind::terminate, now);
    }
    case Stage::cancel_sent: {
      if (!free_to_act(now)) return {};
      const bool goes_on = policy_.action == RuleAction::terminate && !gave_up();
      if (goes_on && why_not_signal() == nullptr)
        return act_without_sql(seen, SignalKind::terminate, now);
      if (!seen.same_statement) return capture_if_due(now);
      return act_after_cancel(now);
    }
    case Stage::terminate_sent:
      if (!free_to_act(now)) return {};
      return become_unresponsive(now, "terminate grace passed, its process is still there");
    case Stage::unresponsive: return capture_if_due(now);
    case Stage::resolved: break;
  }
  return {};
}

/// Of what may be signalled. Without SQL nothing re-checks a guard, so doubt is a hindrance.
Action SightingMachine::act_without_sql(const ProcessSeen& seen, SignalKind kind, TimePoint now) {
  const char* reason = why_not_signal();
  if (reason == nullptr && seen.hindrance) reason = seen.hindrance->c_str();
  if (reason == nullptr && !seen.same_statement) reason = kUndecidedWithoutSql;
  if (reason == nullptr && !gave_up()) return free_to_act(now) ? send(kind, now) : Action{};
  Action action = capture_if_due(now);
  if (reason != nullptr) action.suppressed = suppress(reason);
  return action;
}

Action SightingMachine::on(const CaptureEnded& /*ended*/, TimePoint /*now*/) {
  if (ahead_) ahead_->ended = true;
  return {};
}

Action SightingMachine::on(const Withheld& withheld, TimePoint now) {
  if (unanswered_ != withheld.kind) return {};
  unanswered_.reset();
  Action action = capture_if_due(now);
  action.suppressed = suppress(to_string(withheld.restraint));
  return action;
}

bool SightingMachine::wants_capture_ahead(SignalKind kind) const {
  // The first signal to an idle backend is a terminate.
  if (stage_ == Stage::matched && policy_.captures(CaptureMoment::before_cancel)) return true;
  return kind == SignalKind::terminate && policy_.captures(CaptureMoment::before_terminate);
}

Action SightingMachine::send(SignalKind kind, TimePoint now) {
  if (wants_capture_ahead(kind)) {
    if (!ahead_ || ahead_->kind != kind) {
      ahead_ = CaptureAhead{.kind = kind, .ordered_at = now, .ended = false};
      Action action;
      action.step = Step::capture;
      return action;
    }
    if (!ahead_->ended && !has_passed(ahead_->ordered_at, policy_.capture_deadline, now)) return {};
  }
  unanswered_ = kind;
  Action action;
  action.step = kind == SignalKind::cancel ? Step::send_cancel : Step::send_terminate;
  return action;
}

Action SightingMachine::capture_if_due(TimePoint now) {
  if (!policy_.captures(CaptureMoment::unresponsive)) return {};
  if (captured_at_ && !has_passed(*captured_at_, policy_.capture_repeat, now)) return {};
  captured_at_ = now;
  Action action;
  action.step = Step::capture;
  return action;
}

Action SightingMachine::become_unresponsive(TimePoint now, std::string note) {
  enter(Stage::unresponsive, now);
  captured_at_.reset();
  Action action = capture_if_due(now);
  action.note = std::move(note);
  return action;
}

Action SightingMachine::resolve(Outcome outcome, std::string note, TimePoint now) {
  enter(Stage::resolved, now);
  Action action;
  action.outcome = outcome;
  action.note = std::move(note);
  return action;
}

void SightingMachine::enter(Stage stage, TimePoint now) {
  stage_ = stage;
  stage_since_ = now;
}

bool SightingMachine::is_over(Presence presence) const {
  // What was terminated has to go; until then what it may only end is the statement judged.
  return terminate_accepted_at_ ? presence == Presence::absent
                                : presence != Presence::same_statement;
}

bool SightingMachine::free_to_act(TimePoint now) const {
  return !hold_off(now);
}

bool SightingMachine::gave_up() const {
  return refusals_ >= kMaxRefusals || unknowns_ >= kMaxUnknowns;
}

Duration SightingMachine::grace(SignalKind kind) const {
  return kind == SignalKind::cancel ? policy_.cancel_grace : policy_.terminate_grace;
}

std::optional<HoldOff> SightingMachine::hold_off(TimePoint now) const {
  if (unanswered_) return HoldOff{.since = now, .length = grace(*unanswered_)};
  if (hold_off_ && !has_passed(hold_off_->since, hold_off_->length, now)) return hold_off_;
  return std::nullopt;
}

Outcome SightingMachine::natural_outcome() const {
  switch (stage_) {
    case Stage::watching: break;
    case Stage::matched:
      if (seen_after_refusal_) return Outcome::refused;
      if (exemption_ && policy_.action != RuleAction::observe && unknowns_ == 0) {
        return Outcome::exempt;
      }
      break;
    case Stage::cancel_sent: return Outcome::cancelled;
    case Stage::terminate_sent: return Outcome::terminated;
    case Stage::unresponsive: return Outcome::self_resolved;
    case Stage::resolved: break;
  }
  return Outcome::finished;
}

const char* SightingMachine::why_not_signal() const {
  if (policy_.action == RuleAction::observe) return "rule_observe";
  if (exemption_) return to_string(*exemption_);
  if (judged_ == Judged::unidentified) return "no_identity";
  if (judged_ == Judged::idle && policy_.action == RuleAction::cancel) return "idle_ignores_cancel";
  if (policy_.mode == Mode::observe) return "mode_observe";
  return nullptr;
}

std::optional<std::string> SightingMachine::suppress(const char* reason) {
  suppressed_ = reason;
  if (std::ranges::find(reported_, reason) != reported_.end()) return std::nullopt;
  return reported_.emplace_back(reason);
}

}  // namespace pghang::escalation
