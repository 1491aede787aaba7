#include "daemon/escalation/budget.h"

#include <algorithm>

namespace pghang::escalation {

namespace {

constexpr Duration kMinute{std::chrono::minutes{1}};
constexpr Duration kHour{std::chrono::hours{1}};

}  // namespace

std::uint64_t Budget::spent_within(Duration length, TimePoint now) const {
  return static_cast<std::uint64_t>(std::ranges::count_if(spent_, [&](TimePoint at) {
    return !has_passed(at, length, now);
  }));
}

std::optional<Restraint> Budget::refuses(bool first, TimePoint now) const {
  if (!settings_) return std::nullopt;
  if (load_.unresponsive >= settings_->unresponsive) return Restraint::budget_unresponsive;
  const std::uint64_t share =
      std::max<std::uint64_t>(load_.sessions * settings_->share_percent / 100, 1);
  if (first && load_.under_way >= share) return Restraint::budget_share;
  if (spent_within(kHour, now) >= settings_->actions_per_hour) return Restraint::budget_hour;
  if (spent_within(kMinute, now) >= settings_->actions_per_minute) return Restraint::budget_minute;
  return std::nullopt;
}

void Budget::spend(bool first, TimePoint now) {
  while (!spent_.empty() && has_passed(spent_.front(), kHour, now))
    spent_.pop_front();
  spent_.push_back(now);
  if (first) ++load_.under_way;
}

std::vector<Moment> Budget::saved(TimePoint now) const {
  std::vector<Moment> spent;
  for (const TimePoint at : spent_) {
    if (!has_passed(at, kHour, now)) spent.push_back(moment_of(at));
  }
  return spent;
}

void Budget::resume(const std::vector<Moment>& spent, bool same_boot, TimePoint now) {
  for (const Moment moment : spent)
    spent_.push_back(time_of(moment, same_boot, now));
  std::ranges::sort(spent_);
}

}  // namespace pghang::escalation
