#include "daemon/escalation/process_history.h"

#include <algorithm>
#include <csignal>

namespace pghang::escalation {

namespace {

std::string wait_of(const Activity& row) {
  return row.wait_event_type.value_or("") + ":" + row.wait_event.value_or("");
}

bool is_missing(const Capture& capture, const char* evidence) {
  return std::ranges::any_of(capture.missing, [&](const Missing& missing) {
    return missing.evidence == evidence;
  });
}

/// Both what it computes and what it reads and writes are known.
bool tells_progress(const Capture& capture) {
  return capture.samples.back().io.has_value() && !is_missing(capture, "cpu");
}

bool stands_still(const Sample& before, const Sample& after) {
  return after.cpu_nanos <= before.cpu_nanos + ProcessHistory::kStandstillNanos &&
         after.io == before.io;
}

std::optional<bool> terminate_pending(const Sample& sample) {
  if (is_pending(sample.signals, SIGTERM)) return true;
  if (!sample.flags.proc_die_pending) return std::nullopt;
  return *sample.flags.proc_die_pending != 0;
}

Duration span(TimePoint from, TimePoint to) {
  return std::chrono::floor<Duration>(to - from);
}

}  // namespace

void ProcessHistory::polled(const std::vector<Activity>& rows) {
  std::map<BackendKey, const Activity*> by_key;
  for (const Activity& row : rows)
    by_key.try_emplace(row.key, &row);
  std::erase_if(watched_, [&](const auto& entry) {
    return !by_key.contains(entry.first) || entry.second.polls_since_look > kFreshPolls;
  });
  for (auto& [key, watched] : watched_) {
    const Activity& row = *by_key.at(key);
    ++watched.polls_since_look;
    if (watched.guard == guard_of(row) && watched.wait == wait_of(row)) continue;
    watched.guard = guard_of(row);
    watched.wait = wait_of(row);
    watched.latest.reset();
  }
}

void ProcessHistory::watch(const Activity& row) {
  const auto [entry, is_new] = watched_.try_emplace(row.key);
  if (!is_new) return;
  entry->second.guard = guard_of(row);
  entry->second.wait = wait_of(row);
}

void ProcessHistory::looked(const BackendKey& backend, const Capture& capture, TimePoint now) {
  const auto found = watched_.find(backend);
  if (found == watched_.end()) return;
  if (has_ended(capture)) return missed(backend);
  Watched& watched = found->second;
  watched.polls_since_look = 0;
  const Sample& sample = capture.samples.back();
  if (!tells_progress(capture)) {
    watched.latest.reset();
  } else {
    if (!watched.latest || !stands_still(*watched.latest, sample)) watched.still_since = now;
    watched.latest = sample;
  }
  watched.latest_at = now;
  if (terminate_pending(sample) != true) {
    watched.pending_since.reset();
  } else if (!watched.pending_since) {
    watched.pending_since = now;
  }
}

void ProcessHistory::missed(const BackendKey& backend) {
  watched_.erase(backend);
}

BackendFacts ProcessHistory::facts(const BackendKey& backend) const {
  BackendFacts facts;
  const auto found = watched_.find(backend);
  if (found == watched_.end() || found->second.polls_since_look > kFreshPolls) return facts;
  const Watched& watched = found->second;
  if (watched.latest) facts.not_advancing_for = span(watched.still_since, watched.latest_at);
  if (watched.pending_since) {
    facts.terminate_ignored_for = span(*watched.pending_since, watched.latest_at);
  }
  return facts;
}

}  // namespace pghang::escalation
