#include <algorithm>
#include <utility>

#include "daemon/escalation/tracker_impl.h"

namespace pghang::escalation {

bool Tracker::Impl::has_one_of(const BackendKey& backend) const {
  return std::ranges::any_of(sightings, [&](const auto& entry) {
    return entry.second.state.activity.key == backend;
  });
}

void Tracker::Impl::resume(
    const SavedSighting& saved,
    bool same_boot,
    TimePoint now,
    Orders& orders
) {
  last_id = std::max(last_id, saved.id);
  const BackendKey& backend = saved.guard.backend;
  const auto text = std::ranges::find(rule_texts, saved.rule);
  const bool rule_is_there = text != rule_texts.end();
  const auto rule = static_cast<std::size_t>(text - rule_texts.begin());
  const Policy its_policy = rule_is_there ? policy(rule) : Policy{};
  SightingMachine machine(its_policy, judged(saved.guard), saved.machine, same_boot, now);
  if (machine.stage() == Stage::resolved) {
    const auto hold_off = machine.hold_off(now);
    if (hold_off) echoes.try_emplace(backend, Echo{saved.id, saved.guard, *hold_off});
    return;
  }
  if (sightings.contains(saved.id) || has_one_of(backend)) return;

  SightingState state;
  state.id = saved.id;
  state.rule = rule;
  state.rule_name = saved.rule_name;
  state.stage = machine.stage();
  state.exemption = machine.exemption();
  state.activity = saved.activity;
  state.activity.key = backend;
  state.refused = saved.refused;
  state.first_seen = machine.first_seen();
  state.stage_since = machine.stage_since();
  state.cancel_accepted_at = machine.cancel_accepted_at();
  state.terminate_accepted_at = machine.terminate_accepted_at();
  const auto added =
      sightings.emplace(saved.id, Sighting{state, saved.guard, std::move(machine), true});
  if (rule_is_there) return;
  const Dropped why{"its rule was changed or removed while pghangd was not running"};
  advance(added.first->second, why, now, orders);
}

SavedSighting Tracker::Impl::saved(const Sighting& sighting) const {
  const SightingState& state = sighting.state;
  return {
      .id = state.id,
      .rule_name = state.rule_name,
      .rule = rule_texts[state.rule],
      .guard = sighting.guard,
      .machine = sighting.machine.saved(),
      .activity = state.activity,
      .refused = state.refused,
  };
}

std::vector<SavedSighting> Tracker::saved() const {
  std::vector<SavedSighting> all;
  all.reserve(impl_->sightings.size() + impl_->echoes.size());
  for (const auto& entry : impl_->sightings)
    all.push_back(impl_->saved(entry.second));
  for (const auto& entry : impl_->echoes) {
    const Echo& echo = entry.second;
    SavedSighting& left = all.emplace_back();
    left.id = echo.id;
    left.guard = echo.guard;
    left.machine.stage = Stage::resolved;
    left.machine.hold_off = SavedHoldOff{moment_of(echo.hold_off.since), echo.hold_off.length};
  }
  return all;
}

std::optional<SavedSighting> Tracker::saved(SightingId id) const {
  const auto sighting = impl_->sightings.find(id);
  if (sighting == impl_->sightings.end()) return std::nullopt;
  return impl_->saved(sighting->second);
}

Orders Tracker::resume(const std::vector<SavedSighting>& saved, bool same_boot, TimePoint now) {
  now = impl_->tick(now);
  std::vector<const SavedSighting*> latest_first;
  latest_first.reserve(saved.size());
  for (const SavedSighting& one : saved)
    latest_first.push_back(&one);
  std::ranges::sort(latest_first, std::ranges::greater{}, &SavedSighting::id);
  Orders orders;
  for (const SavedSighting* one : latest_first)
    impl_->resume(*one, same_boot, now, orders);
  impl_->erase_resolved();
  return orders;
}

}  // namespace pghang::escalation
