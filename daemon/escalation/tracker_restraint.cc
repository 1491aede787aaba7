#include <utility>

#include "daemon/escalation/tracker_impl.h"

namespace pghang::escalation {

Census Tracker::Impl::census(const ActivitySnapshot& snapshot) const {
  Census census;
  for (const StateCount& count : snapshot.counts) {
    if (!count.state.empty()) census.load.sessions += static_cast<std::uint64_t>(count.sessions);
  }
  for (const Rule& rule : rules.rules()) {
    if (rule.action != RuleAction::observe) census.matches.emplace(rule.name, 0);
  }
  for (const auto& entry : sightings) {
    const SightingState& state = entry.second.state;
    const bool signalled = state.cancel_accepted_at || state.terminate_accepted_at;
    if (signalled) ++census.load.under_way;
    if (state.stage == Stage::unresponsive) ++census.load.unresponsive;
    const auto rule = census.matches.find(state.rule_name);
    const bool counts = state.stage != Stage::watching && !state.exemption;
    if (counts && rule != census.matches.end()) ++rule->second;
  }
  return census;
}

void Tracker::Impl::restrain(const ActivitySnapshot& snapshot, TimePoint now, Orders& orders) {
  orders.breakers = safeguards.polled(census(snapshot), now);
  restrain(now, orders);
}

void Tracker::Impl::restrain(TimePoint now, Orders& orders) {
  for (SignalOrder& order : std::exchange(orders.signals, {})) {
    Sighting& sighting = sightings.at(order.id);
    const bool first = sighting.state.stage == Stage::matched;
    const auto restraint = safeguards.restrains(sighting.state.rule_name, first, now);
    if (restraint) {
      advance(sighting, Withheld{order.kind, *restraint}, now, orders);
      continue;
    }
    safeguards.spend(first, now);
    orders.signals.push_back(std::move(order));
  }
}

}  // namespace pghang::escalation
