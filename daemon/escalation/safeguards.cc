#include "daemon/escalation/safeguards.h"

namespace pghang::escalation {

void Safeguards::configure(const Settings& settings) {
  protect_ = ProtectList(settings.protect);
  budget_.configure(settings.budget);
  breaker_settings_ = settings.breaker;
  for (auto& [rule, breaker] : breakers_)
    breaker.configure(settings.breaker);
}

std::vector<BreakerEvent> Safeguards::polled(const Census& census, TimePoint now) {
  budget_.polled(census.load);
  std::erase_if(breakers_, [&](const auto& entry) {
    return !census.matches.contains(entry.first);
  });
  std::vector<BreakerEvent> events;
  for (const auto& [rule, matches] : census.matches) {
    const auto [entry, is_new] = breakers_.try_emplace(rule);
    Breaker& breaker = entry->second;
    if (is_new && breaker_settings_) breaker.configure(*breaker_settings_);
    if (const auto change = breaker.polled(matches, census.load.sessions, now)) {
      const bool open = change == Breaker::Change::opened;
      events.push_back({rule, open, matches, breaker.before()});
    }
  }
  return events;
}

std::optional<Restraint> Safeguards::restrains_all() const {
  if (paused_) return Restraint::paused;
  if (other_daemon_) return Restraint::other_daemon;
  return std::nullopt;
}

std::optional<Restraint> Safeguards::restrains(const std::string& rule, bool first, TimePoint now)
    const {
  if (const auto all = restrains_all()) return all;
  const auto breaker = breakers_.find(rule);
  if (breaker != breakers_.end() && breaker->second.open()) return Restraint::breaker_open;
  return budget_.refuses(first, now);
}

std::vector<std::string> Safeguards::reset_breakers(const std::string& rule, TimePoint now) {
  std::vector<std::string> closed;
  for (auto& [name, breaker] : breakers_) {
    if (!rule.empty() && rule != name) continue;
    if (breaker.reset(now)) closed.push_back(name);
  }
  return closed;
}

}  // namespace pghang::escalation
