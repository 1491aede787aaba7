#include <algorithm>

#include "daemon/escalation/sighting_machine.h"

namespace pghang::escalation {
namespace {

std::optional<Moment> moment_of(const std::optional<TimePoint>& at) {
  return at ? std::optional(escalation::moment_of(*at)) : std::nullopt;
}

}  // namespace

Moment moment_of(TimePoint at) {
  return std::chrono::duration_cast<Moment>(at.time_since_epoch());
}

TimePoint time_of(Moment moment, bool same_boot, TimePoint now) {
  const TimePoint then{std::chrono::duration_cast<TimePoint::duration>(moment)};
  return same_boot ? std::clamp(then, TimePoint{}, std::max(TimePoint{}, now)) : now;
}

SightingMachine::SightingMachine(
    const Policy& policy,
    Judged judged,
    const SavedMachine& saved,
    bool same_boot,
    TimePoint now
)
    : policy_(policy),
      judged_(judged),
      stage_(saved.stage),
      exemption_(saved.exemption),
      refusals_(saved.refusals),
      unknowns_(saved.unknowns),
      seen_after_refusal_(saved.seen_after_refusal),
      reported_(saved.reported) {
  const auto at = [&](Moment moment) {
    return time_of(moment, same_boot, now);
  };
  const auto perhaps_at = [&](const std::optional<Moment>& moment) {
    return moment ? std::optional(at(*moment)) : std::nullopt;
  };
  first_seen_ = at(saved.first_seen);
  stage_since_ = at(saved.stage_since);
  cancel_accepted_at_ = perhaps_at(saved.cancel_accepted_at);
  terminate_accepted_at_ = perhaps_at(saved.terminate_accepted_at);
  captured_at_ = perhaps_at(saved.captured_at);
  pending_since_ = perhaps_at(saved.pending_since);
  if (saved.hold_off) {
    hold_off_ = HoldOff{.since = at(saved.hold_off->since), .length = saved.hold_off->length};
  }
  if (saved.under_way) {
    unknowns_ = kMaxUnknowns;
    hold_off_ = HoldOff{.since = now, .length = saved.under_way->grace};
  }
}

SavedMachine SightingMachine::saved() const {
  SavedMachine saved;
  saved.stage = stage_;
  saved.first_seen = escalation::moment_of(first_seen_);
  saved.stage_since = escalation::moment_of(stage_since_);
  saved.exemption = exemption_;
  if (unanswered_) saved.under_way = SavedOrder{*unanswered_, grace(*unanswered_)};
  if (hold_off_) saved.hold_off = {escalation::moment_of(hold_off_->since), hold_off_->length};
  saved.cancel_accepted_at = moment_of(cancel_accepted_at_);
  saved.terminate_accepted_at = moment_of(terminate_accepted_at_);
  saved.captured_at = moment_of(captured_at_);
  saved.pending_since = moment_of(pending_since_);
  saved.refusals = refusals_;
  saved.unknowns = unknowns_;
  saved.seen_after_refusal = seen_after_refusal_;
  saved.reported = reported_;
  return saved;
}

}  // namespace pghang::escalation
