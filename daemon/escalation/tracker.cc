#include "daemon/escalation/tracker.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "config/rule_text.h"
#include "daemon/escalation/tracker_impl.h"

namespace pghang::escalation {

namespace {

void note_refusal(const Answered& answered, std::string& refused) {
  if (answered.answer == SignalAnswer::accepted) refused.clear();
  if (answered.answer != SignalAnswer::refused) return;
  refused = to_string(answered.kind);
  refused += ": " + (answered.words.empty() ? "the server gave no reason" : answered.words);
}

}  // namespace

void Tracker::Impl::know_rules() {
  rule_texts.clear();
  for (const Rule& rule : rules.rules())
    rule_texts.push_back(rule_text(rule));
}

Policy Tracker::Impl::policy(std::size_t rule_index) const {
  const Rule& rule = rules.rules()[rule_index];
  return {
      .mode = mode,
      .action = rule.action,
      .for_ = rule.for_,
      .cancel_grace = rule.cancel_grace,
      .terminate_grace = rule.terminate_grace,
      .capture_repeat = capture_repeat,
      .capture = rule.capture,
      .capture_deadline = capture_deadline,
  };
}

void Tracker::Impl::advance(Sighting& sighting, const Input& input, TimePoint now, Orders& orders) {
  SightingState& state = sighting.state;
  const SightingMachine& machine = sighting.machine;
  if (const auto* answered = std::get_if<Answered>(&input)) note_refusal(*answered, state.refused);
  Action action = sighting.machine.advance(input, now);
  const Stage before = state.stage;
  state.stage = machine.stage();
  state.stage_since = machine.stage_since();
  state.exemption = machine.exemption();
  state.suppressed = machine.suppressed();
  state.cancel_accepted_at = machine.cancel_accepted_at();
  state.terminate_accepted_at = machine.terminate_accepted_at();
  if (before != state.stage) {
    orders.changes.push_back(
        {state.id, before, state.stage, action.outcome, std::move(action.note), state, false}
    );
  }
  if (action.suppressed) orders.suppressions.push_back({state.id, *std::move(action.suppressed)});
  switch (action.step) {
    case Step::wait: break;
    case Step::send_cancel:
      orders.signals.push_back({state.id, SignalKind::cancel, sighting.guard});
      break;
    case Step::send_terminate:
      orders.signals.push_back({state.id, SignalKind::terminate, sighting.guard});
      break;
    case Step::capture: orders.captures.push_back({state.id, state.activity.key}); break;
  }
  if (state.stage != Stage::resolved) return;
  if (const auto hold_off = machine.hold_off(now)) {
    echoes.insert_or_assign(state.activity.key, Echo{state.id, sighting.guard, *hold_off});
  }
}

void Tracker::Impl::erase_resolved() {
  std::erase_if(sightings, [](const auto& entry) {
    return entry.second.state.stage == Stage::resolved;
  });
}

Orders Tracker::Impl::feed(SightingId id, const Input& input, TimePoint now) {
  now = tick(now);
  Orders orders;
  const auto sighting = sightings.find(id);
  if (sighting == sightings.end()) return orders;
  advance(sighting->second, input, now, orders);
  erase_resolved();
  return orders;
}

Tracker::Tracker(Mode mode, Duration capture_repeat, RuleMatcher rules)
    : impl_(std::make_unique<Impl>(Impl{
          .mode = mode,
          .capture_repeat = capture_repeat,
          .rules = std::move(rules),
          .rule_texts = {},
          .sightings = {},
          .echoes = {}})) {
  impl_->know_rules();
}

Tracker::Tracker(Tracker&&) noexcept = default;
Tracker& Tracker::operator=(Tracker&&) noexcept = default;
Tracker::~Tracker() = default;

Orders Tracker::signal_answered(
    SightingId id,
    SignalKind kind,
    SignalAnswer answer,
    const std::string& words,
    TimePoint now
) {
  return impl_->feed(id, Answered{.kind = kind, .answer = answer, .words = words}, now);
}

Orders
Tracker::signal_withheld(SightingId id, SignalKind kind, Restraint restraint, TimePoint now) {
  return impl_->feed(id, Withheld{.kind = kind, .restraint = restraint}, now);
}

Orders Tracker::terminate_pending_seen(SightingId id, bool pending, TimePoint now) {
  return impl_->feed(id, TerminatePendingSeen{.pending = pending}, now);
}

void Tracker::capture_ended(SightingId id, TimePoint now) {
  static_cast<void>(impl_->feed(id, CaptureEnded{}, now));
}

void Tracker::bound_captures(Duration deadline) {
  impl_->capture_deadline = deadline;
}

Orders Tracker::reconfigure(Mode mode, Duration capture_repeat, RuleMatcher rules, TimePoint now) {
  now = impl_->tick(now);
  const std::vector<Rule> before = impl_->rules.rules();
  impl_->mode = mode;
  impl_->capture_repeat = capture_repeat;
  impl_->rules = std::move(rules);
  impl_->know_rules();
  const std::vector<Rule>& after = impl_->rules.rules();

  Orders orders;
  for (auto& entry : impl_->sightings) {
    Sighting& sighting = entry.second;
    const auto kept = std::ranges::find(after, before[sighting.state.rule]);
    if (kept == after.end()) {
      impl_->advance(sighting, Dropped{"its rule was changed or removed"}, now, orders);
      continue;
    }
    sighting.state.rule = static_cast<std::size_t>(kept - after.begin());
    sighting.machine.set_policy(impl_->policy(sighting.state.rule));
  }
  impl_->erase_resolved();
  return orders;
}

Orders Tracker::drop_all(const std::string& why, TimePoint now) {
  now = impl_->tick(now);
  Orders orders;
  for (auto& entry : impl_->sightings) {
    impl_->advance(entry.second, Dropped{why}, now, orders);
  }
  impl_->erase_resolved();
  return orders;
}

const SightingState* Tracker::find(SightingId id) const {
  const auto sighting = impl_->sightings.find(id);
  return sighting == impl_->sightings.end() ? nullptr : &sighting->second.state;
}

std::vector<const SightingState*> Tracker::sightings() const {
  std::vector<const SightingState*> all;
  all.reserve(impl_->sightings.size());
  for (const auto& entry : impl_->sightings)
    all.push_back(&entry.second.state);
  return all;
}

const RuleMatcher& Tracker::rules() const {
  return impl_->rules;
}

Safeguards& Tracker::safeguards() {
  return impl_->safeguards;
}

const Safeguards& Tracker::safeguards() const {
  return impl_->safeguards;
}

}  // namespace pghang::escalation
