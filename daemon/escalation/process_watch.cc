#include "daemon/escalation/process_watch.h"

#include <algorithm>
#include <array>
#include <csignal>

#include "daemon/escalation/process_guard.h"
#include "diagnosis/process_activity.h"

namespace pghang::escalation {
namespace {

constexpr std::array kAll{
    Suspicion::postmaster_stopped,
    Suspicion::postmaster_uninterruptible,
    Suspicion::terminate_ignored,
    Suspicion::cancel_ignored,
    Suspicion::orphan,
    Suspicion::own_backend};

const char* words(Suspicion suspicion) {
  switch (suspicion) {
    case Suspicion::postmaster_stopped: return "the postmaster is stopped: nobody can connect";
    case Suspicion::postmaster_uninterruptible:
      return "the postmaster is in uninterruptible sleep: nobody can connect";
    case Suspicion::terminate_ignored: return "a terminate that pghangd did not send is ignored";
    case Suspicion::cancel_ignored: return "a cancel that pghangd did not send is ignored";
    case Suspicion::orphan: return "its postmaster is gone, and it goes on";
    case Suspicion::own_backend: return "pghangd's own backend does not answer and does not end";
  }
  return "";
}

Duration delay(Suspicion suspicion, const WatchTerms& terms) {
  switch (suspicion) {
    case Suspicion::postmaster_stopped: return Duration{0};
    case Suspicion::postmaster_uninterruptible:
    case Suspicion::terminate_ignored: return terms.terminate_grace;
    case Suspicion::cancel_ignored: return terms.cancel_grace;
    case Suspicion::orphan:
    case Suspicion::own_backend: return terms.settle;
  }
  return terms.terminate_grace;
}

/// The others last as long as the process: a terminate that was served may hang in what follows.
bool may_pass(Suspicion suspicion) {
  return suspicion == Suspicion::postmaster_stopped ||
         suspicion == Suspicion::postmaster_uninterruptible ||
         suspicion == Suspicion::cancel_ignored;
}

bool is_held(const Sample& sample) {
  return sample.frozen || sample.state == ProcessState::stopped ||
         sample.state == ProcessState::traced;
}

std::uint64_t switches_of(const Sample& sample) {
  return sample.voluntary_switches + sample.involuntary_switches;
}

BackendKey key_of(const SurveyedProcess& process) {
  const pid_t pid = process.process.ns_pid != 0 ? process.process.ns_pid : process.process.key.pid;
  if (process.stamps) return {pid, process.stamps->backend_start};
  return {pid, {process.started_at_micros - kPgEpochUnixMicros}};
}

bool is_judged(
    const SurveyedProcess& process,
    const ServerSurvey& survey,
    const WatchScene& scene
) {
  return std::ranges::any_of(scene.judged, [&](const BackendKey& backend) {
    return process_of(backend, survey) == &process;
  });
}

bool is_own(const SurveyedProcess& process, const WatchScene& scene) {
  return scene.own_backend != 0 && process.process.ns_pid == scene.own_backend &&
         process.started_at_micros <= scene.own_backend_before_micros + kSameStartMicros;
}

}  // namespace

bool ProcessWatch::has_own_backend(const ServerSurvey& survey, const WatchScene& scene) {
  if (scene.own_backend == 0) return false;
  return !survey.all_alive_known || survey.processes.size() < survey.alive.size() ||
         std::ranges::any_of(survey.processes, [&](const SurveyedProcess& process) {
           return is_own(process, scene);
         });
}

const char* to_string(Suspicion suspicion) {
  switch (suspicion) {
    case Suspicion::postmaster_stopped: return "postmaster_stopped";
    case Suspicion::postmaster_uninterruptible: return "postmaster_uninterruptible";
    case Suspicion::terminate_ignored: return "terminate_ignored";
    case Suspicion::cancel_ignored: return "cancel_ignored";
    case Suspicion::orphan: return "orphan";
    case Suspicion::own_backend: return "own_backend";
  }
  return "orphan";
}

Orders ProcessWatch::observe(
    const ServerSurvey& survey,
    const WatchScene& scene,
    const WatchTerms& terms,
    TimePoint now
) {
  Orders orders;
  if (postmaster_ != survey.postmaster) {
    for (auto& [key, subject] : subjects_)
      end(subject, "another postmaster answers", now, orders);
    subjects_.clear();
    postmaster_ = survey.postmaster;
  }
  end_gone(survey, now, orders);
  for (const SurveyedProcess& process : survey.processes) {
    const ProcessKey key = process.process.key;
    if (is_judged(process, survey, scene)) {
      subjects_.erase(key);
      continue;
    }
    const bool known = subjects_.contains(key);
    const bool suspected = !scene.sql_works || key == survey.postmaster || is_own(process, scene);
    if (!known && !suspected) continue;
    Subject& subject = subjects_[key];
    look_at(process, survey, scene, subject, now);
    if (subject.raised || suspected) raise_or_end(process, survey, terms, subject, now, orders);
  }
  order_captures(terms, now, orders);
  return orders;
}

void ProcessWatch::suspect(Subject& subject, Suspicion suspicion, bool holds, TimePoint now) {
  if (holds) {
    subject.since.try_emplace(suspicion, now);
  } else {
    subject.since.erase(suspicion);
  }
}

void ProcessWatch::look_at(
    const SurveyedProcess& process,
    const ServerSurvey& survey,
    const WatchScene& scene,
    Subject& subject,
    TimePoint now
) {
  const Sample& sample = process.process.sample;
  if (process.process.key == survey.postmaster) {
    const bool still = sample.state == ProcessState::uninterruptible && !sample.frozen &&
                       subject.switches == switches_of(sample);
    suspect(subject, Suspicion::postmaster_stopped, is_held(sample), now);
    suspect(subject, Suspicion::postmaster_uninterruptible, still, now);
    subject.switches = switches_of(sample);
    return;
  }
  // Flags that could not be read this time say neither.
  if (const auto flag = sample.flags.proc_die_pending)
    suspect(subject, Suspicion::terminate_ignored, *flag != 0, now);
  if (const auto flag = sample.flags.query_cancel_pending)
    suspect(subject, Suspicion::cancel_ignored, *flag != 0, now);
  suspect(subject, Suspicion::orphan, survey.postmaster_gone, now);
  if (is_own(process, scene)) suspect(subject, Suspicion::own_backend, true, now);
}

void ProcessWatch::raise_or_end(
    const SurveyedProcess& process,
    const ServerSurvey& survey,
    const WatchTerms& terms,
    Subject& subject,
    TimePoint now,
    Orders& orders
) {
  if (subject.raised) {
    if (may_pass(*subject.raised) && !subject.since.contains(*subject.raised))
      end(subject, "what it was raised for is over", now, orders);
    return;
  }
  if (open() >= kMaxOpen) return;
  for (const Suspicion suspicion : kAll) {
    const auto since = subject.since.find(suspicion);
    if (since == subject.since.end()) continue;
    if (!has_passed(since->second, delay(suspicion, terms), now)) continue;
    raise(process, survey, suspicion, subject, now, orders);
    return;
  }
}

void ProcessWatch::raise(
    const SurveyedProcess& process,
    const ServerSurvey& survey,
    Suspicion suspicion,
    Subject& subject,
    TimePoint now,
    Orders& orders
) {
  subject.raised = suspicion;
  subject.captured_at.reset();
  SightingState& state = subject.state;
  state = {};
  state.id = ++last_id_;
  state.rule_name = to_string(suspicion);
  state.stage = Stage::unresponsive;
  state.activity = activity_of(process, survey.server_version);
  state.activity.key = key_of(process);
  state.first_seen = subject.since[suspicion];
  state.stage_since = now;
  state.source = Source::os;
  orders.changes.push_back(
      {state.id, Stage::matched, Stage::unresponsive, std::nullopt, words(suspicion), state}
  );
}

void ProcessWatch::end(Subject& subject, const char* why, TimePoint now, Orders& orders) {
  if (!subject.raised) return;
  subject.raised.reset();
  subject.state.stage = Stage::resolved;
  subject.state.stage_since = now;
  orders.changes.push_back(
      {subject.state.id,
       Stage::unresponsive,
       Stage::resolved,
       Outcome::self_resolved,
       why,
       subject.state}
  );
}

void ProcessWatch::end_gone(const ServerSurvey& survey, TimePoint now, Orders& orders) {
  for (auto next = subjects_.begin(); next != subjects_.end();) {
    const auto entry = next++;
    Subject& subject = entry->second;
    const bool alive = std::ranges::find(survey.alive, entry->first) != survey.alive.end();
    bool gone = !alive && (survey.all_alive_known || !subject.raised);
    if (entry->first == survey.postmaster) gone = survey.postmaster_gone;
    if (!gone) continue;
    end(subject, "its process is gone", now, orders);
    subjects_.erase(entry);
  }
}

void ProcessWatch::order_captures(const WatchTerms& terms, TimePoint now, Orders& orders) {
  std::size_t ordered = 0;
  for (auto& [key, subject] : subjects_) {
    if (!subject.raised || ordered >= kMaxCapturesPerRound) continue;
    if (subject.captured_at && !has_passed(*subject.captured_at, terms.capture_repeat, now))
      continue;
    subject.captured_at = now;
    ++ordered;
    orders.captures.push_back({subject.state.id, subject.state.activity.key, key});
  }
}

std::size_t ProcessWatch::open() const {
  return static_cast<std::size_t>(std::ranges::count_if(subjects_, [](const auto& entry) {
    return entry.second.raised.has_value();
  }));
}

const SightingState* ProcessWatch::find(SightingId id) const {
  for (const auto& [key, subject] : subjects_)
    if (subject.raised && subject.state.id == id) return &subject.state;
  return nullptr;
}

std::vector<const SightingState*> ProcessWatch::sightings() const {
  std::vector<const SightingState*> all;
  for (const auto& [key, subject] : subjects_)
    if (subject.raised) all.push_back(&subject.state);
  return all;
}

std::vector<pid_t> ProcessWatch::open_pids() const {
  std::vector<pid_t> pids;
  for (const auto& [key, subject] : subjects_)
    if (subject.raised) pids.push_back(key.pid);
  return pids;
}

}  // namespace pghang::escalation
