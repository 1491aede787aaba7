#include <algorithm>
#include <utility>

#include "daemon/chronicle/chronicle.h"
#include "daemon/chronicle/incident_store.h"
#include "daemon/service/logger.h"

namespace pghang {
namespace {

std::string seconds_ago(escalation::TimePoint then, escalation::TimePoint now) {
  return format_seconds(std::chrono::duration<double>(now - then).count()) + " ago";
}

/// In words, why this signal is sent now.
std::string why(
    const escalation::SignalOrder& order,
    const escalation::SightingState& sighting,
    escalation::TimePoint now
) {
  if (order.kind == escalation::SignalKind::terminate && sighting.cancel_accepted_at) {
    return "cancel accepted " + seconds_ago(*sighting.cancel_accepted_at, now) +
           ", the same statement still runs";
  }
  const Activity& activity = sighting.activity;
  std::string words = activity.state.value_or("no state");
  const auto add = [&](const char* name, const std::optional<Micros>& age) {
    if (!age) return;
    const double seconds = std::chrono::duration<double>(*age).count();
    words += std::string(", ") + name + ' ' + format_seconds(seconds);
  };
  add("query age", activity.query_age);
  add("transaction age", activity.xact_age);
  add("state age", activity.state_age);
  return words;
}

}  // namespace

void Chronicle::keep(const Incident& incident) {
  if (store_ != nullptr) store_->put(incident);
}

void Chronicle::keep_everything() {
  for (const Incident& incident : view_.incidents)
    keep(incident);
}

void Chronicle::take_up(std::vector<Incident> incidents) {
  for (Incident& incident : incidents)
    view_.incidents.push_back(std::move(incident));
  book_.trim();
}

void Chronicle::went_on(
    const std::string& target,
    escalation::SightingId sighting,
    const std::string& note
) {
  Incident* incident = book_.find(target, sighting);
  if (incident == nullptr || incident->stage == Stage::resolved) return;
  incident->timeline.push_back(TimelineEntry{incident->stage, wall_clock_(), note});
  log_.info(
      "resumed",
      {{"target", target},
       {"pid", std::to_string(incident->backend.pid)},
       {"incident", incident->id},
       {"stage", to_string(incident->stage)},
       {"note", note}}
  );
  keep(*incident);
}

void Chronicle::end_orphans(
    const std::function<bool(const Incident&)>& orphaned,
    const std::string& note
) {
  for (Incident& incident : view_.incidents) {
    const bool ours =
        view_.started_at_micros != 0 && incident.opened_at_micros >= view_.started_at_micros;
    if (ours || incident.stage == Stage::resolved || !orphaned(incident)) continue;
    end_orphan(incident, note);
    keep(incident);
  }
  book_.trim();
}

void Chronicle::end_late(std::vector<Incident> incidents, const std::string& note) {
  for (Incident& incident : incidents) {
    const auto same = [&](const Incident& known) {
      return known.id == incident.id;
    };
    if (std::ranges::any_of(view_.incidents, same)) continue;
    if (incident.stage != Stage::resolved) {
      end_orphan(incident, note);
      keep(incident);
    }
    view_.incidents.push_back(std::move(incident));
  }
  std::ranges::stable_sort(view_.incidents, std::ranges::greater{}, &Incident::opened_at_micros);
  book_.trim();
}

void Chronicle::end_orphan(Incident& incident, const std::string& note) {
  incident.stage = Stage::resolved;
  incident.outcome = Outcome::finished;
  incident.resolved_at_micros = wall_clock_();
  incident.timeline.push_back(TimelineEntry{Stage::resolved, wall_clock_(), note});
  log_.info(
      "resolved",
      {{"target", incident.target},
       {"pid", std::to_string(incident.backend.pid)},
       {"incident", incident.id},
       {"note", note},
       {"outcome", to_string(Outcome::finished)}}
  );
}

std::string Chronicle::incident_id(const std::string& target, escalation::SightingId sighting) {
  const Incident* incident = book_.find(target, sighting);
  return incident == nullptr ? "" : incident->id;
}

void Chronicle::ordered(
    const std::string& target,
    const escalation::SignalOrder& order,
    const escalation::SightingState& sighting,
    escalation::TimePoint now
) {
  if (store_ == nullptr) return;
  SignalRecord record;
  record.at_micros = wall_clock_();
  record.target = target;
  record.incident = incident_id(target, order.id);
  record.signal = to_string(order.kind);
  record.answer = "ordered";
  record.rule = sighting.rule_name;
  record.why = why(order, sighting, now);
  record.backend = order.guard.backend;
  record.user = sighting.activity.user.value_or("");
  record.database = sighting.activity.database.value_or("");
  record.application_name = sighting.activity.application_name.value_or("");
  store_->put(record);
  ordered_.insert_or_assign({target, order.id}, std::move(record));
}

void Chronicle::answered(
    const std::string& target,
    const escalation::SignalOrder& order,
    const SignalReply& reply
) {
  const auto found = ordered_.find({target, order.id});
  if (store_ == nullptr || found == ordered_.end()) return;
  SignalRecord record = std::move(found->second);
  ordered_.erase(found);
  record.answer = to_string(reply.answer);
  record.words = reply.words;
  store_->put(std::move(record));
}

void Chronicle::withheld(
    const std::string& target,
    const escalation::SignalOrder& order,
    escalation::Restraint restraint
) {
  const auto found = ordered_.find({target, order.id});
  if (store_ == nullptr || found == ordered_.end()) return;
  SignalRecord record = std::move(found->second);
  ordered_.erase(found);
  record.answer = "withheld";
  record.words = to_string(restraint);
  store_->put(std::move(record));
}

void Chronicle::sent_unrecorded() {
  metrics_.signal_unrecorded();
}

void Chronicle::store_told(const StoreNews& news) {
  switch (news.kind) {
    case StoreNews::Kind::moved_aside:
      log_.error(
          "store_moved_aside",
          {{"error", news.words},
           {"consequence", "a new one is begun; what the old one knew of open escalations is lost"}}
      );
      break;
    case StoreNews::Kind::failed:
      log_.error(
          "store_failed",
          {{"error", news.words},
           {"consequence",
            "polling and signals go on; what is not written yet is lost if pghangd ends now"}}
      );
      break;
    case StoreNews::Kind::works: log_.info("store_works_again"); break;
    case StoreNews::Kind::unreadable:
      log_.warn("store_records_unreadable", {{"error", news.words}});
      break;
    case StoreNews::Kind::late:
      log_.warn(
          "store_opened_late",
          {{"consequence", "escalations of before are not gone on with; graces began anew"}}
      );
      break;
  }
}

}  // namespace pghang
