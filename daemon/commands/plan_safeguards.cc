#include "daemon/commands/plan_safeguards.h"

#include <map>

#include "daemon/escalation/tracker.h"

namespace pghang {

std::vector<std::string> restraints_of(
    const ActivitySnapshot& snapshot,
    const escalation::RuleMatcher& rules,
    const Settings& settings
) {
  std::vector<Rule> at_once = rules.rules();
  for (Rule& rule : at_once)
    rule.for_ = Duration{0};
  escalation::Tracker tracker(
      Mode::enforce,
      settings.sampling.repeat,
      escalation::RuleMatcher(std::move(at_once))
  );
  tracker.safeguards().configure(settings);
  const escalation::Orders orders = tracker.observe(snapshot, escalation::TimePoint{});

  std::vector<std::string> notes;
  for (const escalation::BreakerEvent& event : orders.breakers) {
    notes.push_back(
        "the breaker of rule " + event.rule + " would open: it would act on " +
        std::to_string(event.matches) + " backends at once"
    );
  }
  std::map<std::string, std::size_t> withheld;
  for (const escalation::SightingState* sighting : tracker.sightings()) {
    if (!sighting->suppressed.empty() && !sighting->exemption) ++withheld[sighting->suppressed];
  }
  for (const auto& [reason, count] : withheld) {
    if (!reason.starts_with("b")) continue;  // breaker_open, budget_*
    notes.push_back(
        "at once " + std::to_string(orders.signals.size()) + " of " +
        std::to_string(orders.signals.size() + count) + " signals (" + reason + ")"
    );
  }
  return notes;
}

}  // namespace pghang
