#include "daemon/chronicle/signal_outcomes.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

namespace pghang {
namespace {

using std::chrono::milliseconds;

/// After the signal was accepted. A backend that obeys does so within the first; one that is still
/// there after the last has its grace and its captures.
constexpr std::array kLooks{
    milliseconds{5},
    milliseconds{20},
    milliseconds{100},
    milliseconds{500},
    milliseconds{1000},
    milliseconds{2000},
    milliseconds{5000}};

std::chrono::steady_clock::time_point taken_at(const Glance& glance) {
  return std::chrono::steady_clock::time_point(std::chrono::microseconds(glance.sample.at_micros));
}

}  // namespace

/// Notes the steps that one signal has come to, each once and none without the one before.
class SignalOutcomes::Progress {
 public:
  Progress(const Key& key, Track& track) : key_(key), track_(track) {}

  void seen(TimePoint at) { reach(track_.seen, Step::seen, at); }

  void serviced(TimePoint at) {
    seen(at);
    reach(track_.serviced, Step::serviced, at);
  }

  void gone(TimePoint at) { reach(track_.gone, Step::gone, at); }

  [[nodiscard]] std::vector<Reached> take() { return std::move(reached_); }

 private:
  void reach(bool& done, Step step, TimePoint at) {
    if (done) return;
    done = true;
    const std::chrono::duration<double> after =
        std::max(at, track_.accepted_at) - track_.accepted_at;
    const auto& [target, sighting, kind] = key_;
    reached_.push_back({target, sighting, kind, step, after});
  }

  const Key& key_;
  Track& track_;
  std::vector<Reached> reached_;
};

void SignalOutcomes::accepted(
    const std::string& target,
    SightingId sighting,
    SignalKind kind,
    const BackendKey& backend,
    TimePoint now
) {
  Track track;
  track.backend = backend;
  track.accepted_at = now;
  tracks_.insert_or_assign(Key{target, sighting, kind}, track);
}

std::optional<SignalOutcomes::TimePoint> SignalOutcomes::next_look() const {
  std::optional<TimePoint> first;
  for (const auto& [key, track] : tracks_) {
    if (track.next >= kLooks.size()) continue;
    const TimePoint due = track.accepted_at + kLooks.at(track.next);
    if (!first || due < *first) first = due;
  }
  return first;
}

std::vector<SignalOutcomes::Look> SignalOutcomes::take_due(TimePoint now) {
  std::vector<Look> due;
  for (auto& [key, track] : tracks_) {
    if (track.next >= kLooks.size() || track.accepted_at + kLooks.at(track.next) > now) continue;
    // Those that were missed meanwhile would tell the same.
    while (track.next < kLooks.size() && track.accepted_at + kLooks.at(track.next) <= now)
      ++track.next;
    const auto& [target, sighting, kind] = key;
    due.push_back({target, sighting, kind, track.backend});
  }
  return due;
}

std::vector<SignalOutcomes::Reached>
SignalOutcomes::looked(const Look& look, const Result<Glance>& glance, TimePoint now) {
  const auto found = tracks_.find(Key{look.target, look.sighting, look.kind});
  if (found == tracks_.end()) return {};
  Track& track = found->second;
  const bool other_process = !glance && (glance.error().code == Errc::not_found ||
                                         glance.error().code == Errc::identity_changed);
  if (!glance && !other_process) {
    if (glance.error().code != Errc::busy) track.next = kLooks.size();
    return {};
  }
  Progress progress(found->first, track);
  if (other_process || glance->gone) {
    progress.serviced(now);
    progress.gone(now);
    track.next = kLooks.size();
    return progress.take();
  }
  const TimePoint at = taken_at(*glance);
  const bool cancel = look.kind == SignalKind::cancel;
  const InterruptFlags& flags = glance->sample.flags;
  const auto& flag = cancel ? flags.query_cancel_pending : flags.proc_die_pending;
  if (!flag) {  // not to be had of this process, now or later
    track.next = kLooks.size();
    return {};
  }
  track.known = true;
  const bool delivered = !is_pending(glance->sample.signals, cancel ? SIGINT : SIGTERM);
  const bool exits = flags.proc_exit_inprogress.value_or(0) != 0;
  const bool idle = cancel && delivered && glance->statement_runs == false;
  if (*flag != 0) {
    progress.seen(at);
  } else if (exits || idle || (delivered && track.seen)) {
    progress.serviced(at);
  } else if (delivered && !track.clear) {
    track.clear = at;
  }
  if (idle) progress.gone(at);
  if (track.serviced && track.gone) track.next = kLooks.size();
  return progress.take();
}

std::vector<SignalOutcomes::Reached> SignalOutcomes::ended(
    const std::string& target,
    SightingId sighting,
    Outcome outcome,
    TimePoint now
) {
  const auto terminate = tracks_.find(Key{target, sighting, SignalKind::terminate});
  const bool terminated = terminate != tracks_.end();
  const auto last =
      terminated ? terminate : tracks_.find(Key{target, sighting, SignalKind::cancel});
  std::vector<Reached> reached;
  const bool obeyed =
      outcome == Outcome::terminated || (outcome == Outcome::cancelled && !terminated);
  if (last != tracks_.end() && (obeyed || outcome == Outcome::self_resolved)) {
    Track& track = last->second;
    Progress progress(last->first, track);
    if (track.seen) {
      progress.serviced(now);
    } else if (track.known && obeyed) {
      progress.serviced(track.clear.value_or(now));
    }
    progress.gone(now);
    reached = progress.take();
  }
  for (const SignalKind kind : {SignalKind::cancel, SignalKind::terminate})
    tracks_.erase(Key{target, sighting, kind});
  return reached;
}

void SignalOutcomes::forget(const std::string& target) {
  std::erase_if(tracks_, [&](const auto& entry) { return std::get<0>(entry.first) == target; });
}

}  // namespace pghang
