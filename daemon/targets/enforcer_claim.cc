#include "daemon/targets/enforcer_claim.h"

#include "config/units.h"

namespace pghang {

bool EnforcerClaim::due(TimePoint now) const {
  return ours_ || !asked_at_ || escalation::has_passed(*asked_at_, kLockRetry, now);
}

void EnforcerClaim::answered(const LockAnswer& answer, Duration grace, TimePoint now) {
  const bool took_over = answer.ours && !ours_ && !holder_.empty();
  if (took_over) hold_off_ = HoldOff{now, grace};
  if (!answer.ours) hold_off_.reset();
  ours_ = answer.ours;
  // Whom it was taken from is told until the hold-off is over.
  if (!ours_) holder_ = answer.holder.empty() ? "unknown" : answer.holder;
  asked_at_ = now;
}

bool EnforcerClaim::yields(TimePoint now) const {
  return !ours_ || (hold_off_ && !escalation::has_passed(hold_off_->since, hold_off_->length, now));
}

std::string EnforcerClaim::yields_to(TimePoint now) const {
  if (!yields(now)) return "";
  if (!ours_) return holder_.empty() ? "unknown" : holder_;
  return holder_ + " until now; its last signal has " + format_duration(hold_off_->length) +
         " to be obeyed";
}

}  // namespace pghang
