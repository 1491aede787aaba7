#include "daemon/escalation/safeguards.h"

#include <algorithm>
#include <utility>

namespace pghang::escalation {

namespace {

/// As good as a new one.
bool says_nothing(const SavedBreaker& saved) {
  return !saved.open && saved.matches == 0 &&
         std::ranges::all_of(saved.past, [](const SavedCount& count) {
           return count.matches == 0;
         });
}

}  // namespace

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
    Breaker& breaker = breaker_of(rule);
    if (const auto change = breaker.polled(matches, census.load.sessions, now)) {
      const bool open = change == Breaker::Change::opened;
      events.push_back({rule, open, matches, breaker.before()});
    }
  }
  return events;
}

Breaker& Safeguards::breaker_of(const std::string& rule) {
  const auto [entry, is_new] = breakers_.try_emplace(rule);
  if (is_new && breaker_settings_) entry->second.configure(*breaker_settings_);
  return entry->second;
}

SavedSafeguards Safeguards::saved(TimePoint now) const {
  SavedSafeguards saved;
  saved.spent = budget_.saved(now);
  for (const auto& [rule, breaker] : breakers_) {
    SavedBreaker one = breaker.saved(rule);
    if (!says_nothing(one)) saved.breakers.push_back(std::move(one));
  }
  return saved;
}

std::vector<BreakerEvent>
Safeguards::resume(const SavedSafeguards& saved, bool same_boot, TimePoint now) {
  budget_.resume(saved.spent, same_boot, now);
  std::vector<BreakerEvent> opened;
  for (const SavedBreaker& one : saved.breakers) {
    Breaker& breaker = breaker_of(one.rule);
    const bool was_open = breaker.open();
    breaker.resume(one, same_boot, now);
    if (was_open || !breaker.open()) continue;
    opened.push_back({one.rule, true, breaker.matches(), breaker.before(), true});
  }
  return opened;
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
