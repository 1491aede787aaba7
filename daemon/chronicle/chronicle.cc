#include "daemon/chronicle/chronicle.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "daemon/service/logger.h"
#include "diagnosis/query_text.h"
#include "diagnosis/verdict.h"

namespace pghang {
namespace {

using std::chrono::duration;
using Seconds = duration<double>;

std::string seconds_text(std::chrono::microseconds age) {
  return format_seconds(Seconds(age).count());
}

/// Who it is, on every line about a backend.
std::vector<LogField>
backend_fields(const std::string& target, const Activity& activity, const std::string& rule) {
  std::vector<LogField> fields{
      {"target", target},
      {"rule", rule},
      {"pid", std::to_string(activity.key.pid)}};
  const auto add = [&fields](const char* key, const std::optional<std::string>& value) {
    if (value && !value->empty()) fields.emplace_back(key, *value);
  };
  add("database", activity.database);
  add("user", activity.user);
  add("application_name", activity.application_name);
  add("state", activity.state);
  add("wait_event_type", activity.wait_event_type);
  add("wait_event", activity.wait_event);
  if (activity.query_age) fields.emplace_back("query_age", seconds_text(*activity.query_age));
  return fields;
}

std::string cause_of(const Incident* incident) {
  return incident != nullptr && incident->verdict ? to_string(incident->verdict->cause)
                                                  : to_string(Cause::unknown);
}

}  // namespace

std::string format_seconds(double seconds) {
  const auto tenths = std::lround(seconds * 10);
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + 's';
}

Chronicle::Chronicle(
    View& view,
    Metrics& metrics,
    Logger& log,
    Incidents limits,
    std::function<std::int64_t()> wall_clock
)
    : view_(view),
      metrics_(metrics),
      log_(log),
      book_(view.incidents, limits),
      wall_clock_(std::move(wall_clock)) {}

void Chronicle::know(const std::vector<Signature>& signatures) {
  catalogue_ = SignatureCatalogue(signatures);
}

TargetView& Chronicle::view_of(const std::string& target) {
  const auto found = std::ranges::find(view_.targets, target, &TargetView::name);
  if (found != view_.targets.end()) return *found;
  TargetView& added = view_.targets.emplace_back();
  added.name = target;
  return added;
}

void Chronicle::polled(
    const std::string& target,
    const Result<ActivitySnapshot>& result,
    std::chrono::steady_clock::duration took
) {
  TargetView& view = view_of(target);
  const bool was_up = view.up;
  const bool first = view.last_poll_micros == 0 && view.error.empty();
  view.up = result.has_value();
  metrics_.poll(target, result ? "success" : to_string(result.error().code), took);
  if (result) {
    view.error.clear();
    view.server = result->server;
    view.processes.reset();
    view.counts = result->counts;
    view.last_poll_micros = wall_clock_();
    if (!was_up) {
      log_.info(
          "target_up",
          {{"target", target},
           {"version", result->server.version},
           {"in_recovery", result->server.in_recovery ? "true" : "false"}}
      );
    }
  } else {
    const std::string error =
        std::string(to_string(result.error().code)) + ": " + result.error().context;
    // Once per change, not once per poll: a server that is down for a night writes one line.
    if (was_up || first || view.error != error) {
      log_.warn("target_down", {{"target", target}, {"error", error}});
    }
    view.error = error;
  }
}

void Chronicle::stage_changed(
    const std::string& target,
    const escalation::StageChange& change,
    escalation::TimePoint now
) {
  const escalation::SightingState& sighting = change.sighting;
  Incident* incident = book_.find(target, change.id);
  if (incident == nullptr) {
    if (change.from == Stage::watching && change.to != Stage::matched) return;
    if (sighting.source == Source::os && change.to == Stage::resolved) return;
    incident = book_.adopt(target, sighting);
    if (incident == nullptr) incident = &book_.open(target, sighting, wall_clock_());
  }
  incident->stage = change.to;
  incident->timeline.push_back(TimelineEntry{change.to, wall_clock_(), change.note});

  std::vector<LogField> fields = backend_fields(target, sighting.activity, sighting.rule_name);
  fields.emplace_back("incident", incident->id);
  if (incident->source == Source::os) fields.emplace_back("source", to_string(incident->source));
  if (!change.note.empty()) fields.emplace_back("note", change.note);

  if (change.to == Stage::resolved) {
    incident->outcome = change.outcome;
    incident->resolved_at_micros = wall_clock_();
    const Outcome outcome = change.outcome.value_or(Outcome::finished);
    metrics_.incident_resolved(target, cause_of(incident), to_string(outcome));
    tell_steps(outcomes_.ended(target, change.id, outcome, now));
    fields.emplace_back("outcome", to_string(outcome));
    keep(*incident);
    book_.trim();
  } else {
    incident->activity = sighting.activity;
    incident->activity.query = mask_query(sighting.activity.query);
    keep(*incident);
  }
  if (change.to == Stage::unresponsive) {
    log_.warn(to_string(change.to), fields);
  } else {
    log_.info(to_string(change.to), fields);
  }
}

void Chronicle::suppressed(
    const std::string& target,
    const escalation::Suppression& suppression,
    const escalation::SightingState& sighting
) {
  metrics_.action_suppressed(target, suppression.reason);
  std::vector<LogField> fields = backend_fields(target, sighting.activity, sighting.rule_name);
  fields.emplace_back("reason", suppression.reason);
  if (!sighting.protected_by.empty()) fields.emplace_back("protected_by", sighting.protected_by);
  if (const Incident* incident = book_.find(target, suppression.id)) {
    fields.emplace_back("incident", incident->id);
  }
  log_.info("not_signalled", fields);
}

void Chronicle::forget(const std::string& target) {
  book_.forget(target);
  outcomes_.forget(target);
  lock_errors_.erase(target);
  std::erase_if(view_.targets, [&](const TargetView& view) { return view.name == target; });
  log_.info("target_removed", {{"target", target}});
}

void Chronicle::sightings(
    const std::string& target,
    const escalation::Tracker& tracker,
    escalation::TimePoint now
) {
  TargetView& view = view_of(target);
  std::erase_if(view.backends, [](const BackendView& backend) {
    return backend.source == Source::sql;
  });
  for (const escalation::SightingState* sighting : tracker.sightings()) {
    BackendView& backend = view.backends.emplace_back();
    backend.activity = sighting->activity;
    backend.activity.query = mask_query(sighting->activity.query);
    backend.rule = sighting->rule_name;
    backend.stage = sighting->stage;
    backend.matched_seconds = Seconds(now - sighting->first_seen).count();
    if (sighting->exemption) backend.exemption = to_string(*sighting->exemption);
    backend.protected_by = sighting->protected_by;
    backend.suppressed = sighting->suppressed;
    backend.refused = sighting->refused;
    if (const Incident* incident = book_.find(target, sighting->id)) {
      backend.incident_id = incident->id;
    }
  }
  view.breakers.clear();
  for (const auto& [rule, breaker] : tracker.safeguards().breakers())
    view.breakers.push_back({rule, breaker.open(), breaker.matches()});
}

}  // namespace pghang
