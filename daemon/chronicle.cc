#include "daemon/chronicle.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "daemon/logger.h"
#include "daemon/version.h"
#include "diagnosis/fingerprint.h"
#include "diagnosis/query_text.h"
#include "diagnosis/server_pid.h"
#include "diagnosis/time_in_call.h"
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

/// Of one incident: a backend that changes its cause all the time must not fill the disk.
constexpr std::uint32_t kMaxBundles = 5;

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

void Chronicle::captured(
    const std::string& target,
    escalation::SightingId sighting,
    Evidence evidence,
    std::chrono::steady_clock::duration took
) {
  Capture& capture = evidence.capture;
  metrics_.capture(
      capture.stack.method,
      capture.missing.empty() && capture.stack.complete ? "success" : "partial",
      capture.stack.held_micros / 1e6,
      Seconds(took).count()
  );
  Incident* incident = book_.find(target, sighting);
  if (incident == nullptr || capture.gone) return;
  if (incident->evidence) extend_time_in_call(incident->evidence->capture, capture);
  const Verdict verdict = diagnose(evidence, catalogue_);
  const std::optional<Fingerprint> print = fingerprint(capture.stack);
  std::vector<LogField> fields{
      {"target", target},
      {"pid", std::to_string(server_pid(evidence))},
      {"incident", incident->id},
      {"cause", to_string(verdict.cause)},
      {"gate", to_string(verdict.gate)},
      {"confidence", to_string(verdict.confidence)},
      {"summary", verdict.summary},
      {"method", to_string(capture.stack.method)},
      {"held_us", std::to_string(static_cast<long>(capture.stack.held_micros))}};
  if (counts_apart(capture)) fields.emplace_back("host_pid", std::to_string(capture.key.pid));
  if (capture.syscall) fields.emplace_back("syscall", capture.syscall->text);
  if (verdict.signature) {
    fields.emplace_back("signature", verdict.signature->id);
    if (!verdict.signature->text.empty()) fields.emplace_back("known_bug", verdict.signature->text);
  }
  if (print) {
    fields.emplace_back("fingerprint", print->stable);
    fields.emplace_back("stack", print->text);
  }
  const bool said_already = incident->verdict == verdict;
  const bool explained_already = incident->verdict && incident->verdict->cause == verdict.cause &&
                                 incident->verdict->explanation == verdict.explanation;
  if (!explained_already) save(*incident, evidence);
  incident->evidence = std::move(evidence);
  incident->evidence->capture.snapshot.clear();
  incident->verdict = verdict;
  incident->fingerprint = print;
  incident->capture_error.clear();
  if (!said_already) keep(*incident);
  if (said_already) {
    log_.debug("diagnosed", fields);
  } else {
    log_.info("diagnosed", fields);
  }
}

void Chronicle::save(Incident& incident, Evidence evidence) {
  if (!save_bundle_ || incident.bundles >= kMaxBundles) return;
  if (evidence.activity) evidence.activity->query = mask_query(evidence.activity->query);
  Bundle bundle;
  bundle.written_by = version();
  bundle.saved_at_micros = wall_clock_();
  bundle.incident = incident.id;
  bundle.target = incident.target;
  bundle.rule = incident.rule;
  bundle.evidence = std::move(evidence);
  ++incident.bundles;
  const std::string number = incident.bundles == 1 ? "" : "-" + std::to_string(incident.bundles);
  save_bundle_(incident.id + number, std::move(bundle));
}

void Chronicle::bundle_saved(const std::string& result, const std::string& context) {
  metrics_.bundle(result);
  if (result == "written") {
    last_bundle_error_.clear();
    log_.info("bundle_written", {{"file", context}});
  } else if (std::exchange(last_bundle_error_, result) != result) {
    log_.warn("bundle_lost", {{"result", result}, {"error", context}});  // once, not per bundle
  }
}

void Chronicle::capture_failed(
    const std::string& target,
    escalation::SightingId sighting,
    const Error& error,
    std::chrono::steady_clock::duration took
) {
  metrics_.capture(CaptureMethod::kernel_only, to_string(error.code), 0, Seconds(took).count());
  Incident* incident = book_.find(target, sighting);
  if (incident == nullptr) return;
  const std::string text = std::string(to_string(error.code)) + ": " + error.context;
  if (incident->capture_error != text) {
    log_.warn(
        "capture_failed",
        {{"target", target},
         {"pid", std::to_string(incident->backend.pid)},
         {"incident", incident->id},
         {"error", text}}
    );
  }
  const bool told = std::exchange(incident->capture_error, text) == text;
  if (!told) keep(*incident);
}

void Chronicle::no_local_process(
    const std::string& target,
    escalation::SightingId sighting,
    const std::string& why
) {
  Incident* incident = book_.find(target, sighting);
  if (incident == nullptr) return;
  const std::string text = "no local process: " + why;
  if (std::exchange(incident->capture_error, text) == text) return;
  log_.info(
      "not_captured",
      {{"target", target},
       {"pid", std::to_string(incident->backend.pid)},
       {"incident", incident->id},
       {"reason", text}}
  );
}

void Chronicle::located(
    const std::string& target,
    std::optional<bool> local,
    const std::string& why
) {
  TargetView& view = view_of(target);
  if (local == false && view.local != false) {
    log_.warn(
        "no_local_process",
        {{"target", target},
         {"reason", why},
         {"consequence", "its backends get the signals, and cannot be captured"}}
    );
  }
  view.local = local;
  view.not_local = why;
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
    if (const Incident* incident = book_.find(target, sighting->id)) {
      backend.incident_id = incident->id;
    }
  }
  view.breakers.clear();
  for (const auto& [rule, breaker] : tracker.safeguards().breakers())
    view.breakers.push_back({rule, breaker.open(), breaker.matches()});
}

}  // namespace pghang
