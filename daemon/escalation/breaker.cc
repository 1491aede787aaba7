#include "daemon/escalation/breaker.h"

#include <algorithm>

namespace pghang::escalation {

std::uint64_t Breaker::least(TimePoint now) {
  while (!past_.empty() && has_passed(past_.front().at, settings_->window, now))
    past_.pop_front();
  if (past_.empty()) past_.push_back({now, matches_});
  return past_.front().matches;
}

void Breaker::note(TimePoint now, std::uint64_t matches) {
  while (!past_.empty() && past_.back().matches >= matches)
    past_.pop_back();
  past_.push_back({now, matches});
  matches_ = matches;
}

std::optional<Breaker::Change>
Breaker::polled(std::uint64_t matches, std::uint64_t sessions, TimePoint now) {
  if (!settings_) {
    matches_ = matches;
    return std::nullopt;
  }
  if (open_) {
    matches_ = matches;
    if (matches > open_->high) {
      open_->high = matches;
      open_->high_at = now;
    }
    if (!has_passed(open_->high_at, settings_->quiet, now)) return std::nullopt;
    close(now);
    return Change::closed;
  }
  const std::uint64_t before = least(now);
  const std::uint64_t allowed =
      std::max<std::uint64_t>(settings_->jump, sessions * settings_->jump_percent / 100);
  note(now, matches);
  if (matches <= before || matches - before <= allowed) return std::nullopt;
  open_ = Open{.before = before, .high = matches, .high_at = now};
  return Change::opened;
}

bool Breaker::reset(TimePoint now) {
  if (!open_) return false;
  close(now);
  return true;
}

SavedBreaker Breaker::saved(const std::string& rule) const {
  SavedBreaker saved;
  saved.rule = rule;
  saved.matches = matches_;
  if (open_) {
    saved.open = SavedOpenBreaker{open_->before, open_->high, moment_of(open_->high_at)};
    return saved;
  }
  for (const Count& count : past_)
    saved.past.push_back({moment_of(count.at), count.matches});
  return saved;
}

void Breaker::resume(const SavedBreaker& saved, bool same_boot, TimePoint now) {
  if (saved.open && !open_) {
    const TimePoint high_at = time_of(saved.open->high_at, same_boot, now);
    open_ = Open{.before = saved.open->before, .high = saved.open->high, .high_at = high_at};
  }
  if (!past_.empty()) return;
  for (const SavedCount& count : saved.past)
    note(time_of(count.at, same_boot, now), count.matches);
  // When the latest number was seen last is not saved with each poll: it may have been just now.
  if (!past_.empty()) past_.back().at = now;
  matches_ = saved.matches;
}

void Breaker::close(TimePoint now) {
  open_.reset();
  past_.clear();
  note(now, matches_);
}

}  // namespace pghang::escalation
