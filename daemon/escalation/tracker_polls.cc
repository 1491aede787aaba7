#include <algorithm>
#include <utility>

#include "daemon/escalation/process_guard.h"
#include "daemon/escalation/tracker_impl.h"

namespace pghang::escalation {

std::optional<Exemption> Tracker::Impl::exempt(const Activity& row, SightingState& state) const {
  auto found = protection_of(row, rules.rules()[state.rule], safeguards.protect_list());
  if (!found) return std::nullopt;
  state.protected_by = std::move(found->entry);
  return found->exemption;
}

void Tracker::Impl::look_again(
    Sighting& sighting,
    const RowsByPid& rows,
    TimePoint now,
    Orders& orders
) {
  const JudgedRow* judged_row = find_row(rows, sighting.state.activity.key);
  Polled poll;
  if (judged_row != nullptr) {
    const Activity* row = judged_row->activity;
    const bool same = guard_of(*row) == sighting.guard;
    poll.presence = same ? Presence::same_statement : Presence::other_statement;
    poll.criteria_hold = judged_row->rule == sighting.state.rule;
    poll.exemption = exempt(*row, sighting.state);
    if (same || sighting.state.terminate_accepted_at) sighting.state.activity = *row;
  }
  const bool unseen = std::exchange(sighting.unseen, false);
  advance(sighting, poll, now, orders);
  if (!unseen || sighting.state.stage != Stage::resolved) return;
  StageChange& end = orders.changes.back();
  end.unseen = true;
  end.note += ", while pghangd was not running";
}

void Tracker::Impl::judge(const JudgedRow& judged_row, TimePoint now, Orders& orders) {
  const auto rule = judged_row.rule;
  if (!rule) return;
  const Activity& row = *judged_row.activity;
  const Guard guard = guard_of(row);
  const auto echo = echoes.find(row.key);
  std::optional<HoldOff> inherited;
  if (echo != echoes.end() && echo->second.guard == guard) inherited = echo->second.hold_off;

  SightingState state;
  state.id = ++last_id;
  state.rule = *rule;
  state.rule_name = rules.rules()[*rule].name;
  state.activity = row;
  state.first_seen = now;
  state.stage_since = now;
  const Polled poll{
      .presence = Presence::same_statement,
      .criteria_hold = true,
      .exemption = exempt(row, state),
  };
  SightingMachine machine(policy(*rule), judged(guard), inherited, now);
  const auto added = sightings.emplace(state.id, Sighting{state, guard, std::move(machine), false});
  advance(added.first->second, poll, now, orders);
}

void Tracker::Impl::forget_echoes(const RowsByPid& rows, TimePoint now) {
  std::erase_if(echoes, [&](const auto& entry) {
    const HoldOff& hold_off = entry.second.hold_off;
    return find_row(rows, entry.first) == nullptr ||
           has_passed(hold_off.since, hold_off.length, now);
  });
}

Orders Tracker::observe(const ActivitySnapshot& snapshot, TimePoint now, const FactTable& facts) {
  now = impl_->tick(now);
  Orders orders;
  const RowsByPid rows =
      rows_by_pid(snapshot, impl_->rules, facts, impl_->safeguards.protect_list());
  for (auto& entry : impl_->sightings)
    impl_->look_again(entry.second, rows, now, orders);
  impl_->erase_resolved();
  impl_->forget_echoes(rows, now);

  std::vector<BackendKey> seen;
  seen.reserve(impl_->sightings.size());
  for (const auto& entry : impl_->sightings)
    seen.push_back(entry.second.state.activity.key);
  std::ranges::sort(seen);
  for (const auto& [pid, row] : rows) {
    if (!std::ranges::binary_search(seen, row.activity->key)) impl_->judge(row, now, orders);
  }
  impl_->restrain(snapshot, now, orders);
  return orders;
}

Orders Tracker::observe_processes(const ServerSurvey& survey, bool may_signal, TimePoint now) {
  now = impl_->tick(now);
  Orders orders;
  for (auto& entry : impl_->sightings) {
    Sighting& sighting = entry.second;
    const Rule& rule = impl_->rules.rules()[sighting.state.rule];
    const auto seen = see_process(sighting.state, rule, survey, may_signal);
    if (seen) impl_->advance(sighting, *seen, now, orders);
  }
  impl_->restrain(now, orders);
  impl_->erase_resolved();
  return orders;
}

}  // namespace pghang::escalation
