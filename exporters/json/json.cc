#include "exporters/json/json.h"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>

#include "exporters/json/json_text.h"
#include "exporters/json/json_values.h"
#include "exporters/text.h"

namespace pghang {
namespace {

namespace json = boost::json;

json::value optional_string(const std::optional<std::string>& text) {
  return text ? json_string(*text) : json::value();
}

json::value time_value(const std::optional<PgTimestamp>& at) {
  return at ? json::value(rfc3339(unix_micros(*at))) : json::value();
}

json::value age_value(const std::optional<Micros>& age) {
  return age ? json::value(static_cast<double>(age->count()) / 1e6) : json::value();
}

json::value moment(const std::optional<std::int64_t>& micros) {
  return micros ? json::value(rfc3339(*micros)) : json::value();
}

json::value outcome_value(const std::optional<Outcome>& outcome) {
  return outcome ? json::value(to_string(*outcome)) : json::value();
}

/// What the list and the single incident have in common.
json::object incident_head(const Incident& incident) {
  return {
      {"id", json_string(incident.id)},
      {"target", json_string(incident.target)},
      {"rule", json_string(incident.rule)},
      {"pid", incident.backend.pid},
      {"backend_start", rfc3339(unix_micros(incident.backend.backend_start))},
      {"stage", to_string(incident.stage)},
      {"outcome", outcome_value(incident.outcome)},
      {"opened_at", rfc3339(incident.opened_at_micros)},
      {"resolved_at", moment(incident.resolved_at_micros)},
      {"source", to_string(incident.source)},
  };
}

json::value pause_value(const PauseView& pause) {
  json::object object{{"paused", pause.paused}, {"problem", json_string_or_null(pause.problem)}};
  if (!pause.paused) return object;
  object["since"] = rfc3339(pause.since_micros);
  object["until"] = moment(pause.until_micros);
  object["by"] = json_string(pause.by);
  object["reason"] = json_string_or_null(pause.reason);
  return object;
}

json::value diagnosis_of(const Incident& incident) {
  if (!incident.evidence || !incident.verdict) return nullptr;
  return diagnosis_object(
      *incident.evidence,
      *incident.verdict,
      incident.fingerprint,
      incident.wait_graph.get()
  );
}

json::object target_object(const TargetView& target) {
  json::value server;
  if (target.server) {
    server = json::object{
        {"version", json_string(target.server->version)},
        {"version_num", target.server->version_num},
        {"system_identifier", json_string_or_null(target.server->system_identifier)},
        {"in_recovery", target.server->in_recovery},
        {"timeline",
         target.server->timeline == 0 ? json::value() : json::value(target.server->timeline)},
    };
  }
  json::array sessions;
  for (const StateCount& count : target.counts) {
    sessions.push_back(json::object{
        {"state", json_string_or_null(count.state)},
        {"sessions", count.sessions},
    });
  }
  json::array breakers;
  for (const BreakerView& breaker : target.breakers) {
    breakers.push_back(json::object{
        {"rule", json_string(breaker.rule)},
        {"open", breaker.open},
        {"matches", breaker.matches},
    });
  }
  return {
      {"name", json_string(target.name)},
      {"dsn", json_string(target.dsn)},
      {"up", target.up},
      {"error", json_string_or_null(error_text(target))},
      {"server", std::move(server)},
      {"last_poll_at",
       target.last_poll_micros == 0 ? json::value()
                                    : json::value(rfc3339(target.last_poll_micros))},
      {"sessions", std::move(sessions)},
      {"backends", target.backends.size()},
      {"processes", server_processes_value(target.processes)},
      {"mode", json_string_or_null(target.mode)},
      {"local_process", target.local ? json::value(*target.local) : json::value()},
      {"not_local", json_string_or_null(target.not_local)},
      {"enforcing", target.enforcing},
      {"other_daemon", json_string_or_null(target.other_daemon)},
      {"breakers", std::move(breakers)},
  };
}

json::value seconds_value(const std::optional<double>& seconds) {
  return seconds ? json_number(*seconds) : json::value();
}

json::array signals_array(const std::vector<SentSignal>& signals) {
  json::array array;
  for (const SentSignal& sent : signals) {
    array.push_back(json::object{
        {"signal", json_string(sent.signal)},
        {"accepted_at", rfc3339(sent.accepted_at_micros)},
        {"seen_seconds", seconds_value(sent.seen_seconds)},
        {"serviced_seconds", seconds_value(sent.serviced_seconds)},
        {"gone_seconds", seconds_value(sent.gone_seconds)},
    });
  }
  return array;
}

}  // namespace

json::object incident_summary_object(const Incident& incident) {
  json::object object = incident_head(incident);
  object["database"] = optional_string(incident.activity.database);
  object["user"] = optional_string(incident.activity.user);
  object["application_name"] = optional_string(incident.activity.application_name);
  object["cause"] = nullptr;
  object["summary"] = nullptr;
  if (incident.verdict) {
    object["cause"] = to_string(incident.verdict->cause);
    object["summary"] = json_string(incident.verdict->summary);
  }
  object["fingerprint"] =
      incident.fingerprint ? json_string(incident.fingerprint->stable) : json::value();
  object["signature"] = incident.verdict && incident.verdict->signature
                            ? json_string(incident.verdict->signature->id)
                            : json::value();
  return object;
}

json::object activity_object(const Activity& activity) {
  return {
      {"pid", activity.key.pid},
      {"backend_start", rfc3339(unix_micros(activity.key.backend_start))},
      {"backend_type", json_string_or_null(activity.backend_type)},
      {"leader_pid", activity.leader_pid ? json::value(*activity.leader_pid) : json::value()},
      {"database", optional_string(activity.database)},
      {"user", optional_string(activity.user)},
      {"application_name", optional_string(activity.application_name)},
      {"client_address", optional_string(activity.client_address)},
      {"state", optional_string(activity.state)},
      {"wait_event_type", optional_string(activity.wait_event_type)},
      {"wait_event", optional_string(activity.wait_event)},
      {"xact_start", time_value(activity.xact_start)},
      {"query_start", time_value(activity.query_start)},
      {"state_change", time_value(activity.state_change)},
      {"xact_age_seconds", age_value(activity.xact_age)},
      {"query_age_seconds", age_value(activity.query_age)},
      {"state_age_seconds", age_value(activity.state_age)},
      {"superuser", activity.superuser},
      {"local_client", activity.local_client},
      {"query_id", activity.query_id ? json::value(*activity.query_id) : json::value()},
      {"xmin_age", activity.xmin_age ? json::value(*activity.xmin_age) : json::value()},
      {"query", json_string(activity.query)},
  };
}

std::string incident_json(const Incident& incident) {
  json::object object{{"schema_version", 1}};
  const json::object head = incident_head(incident);
  object.insert(head.begin(), head.end());
  json::array timeline;
  for (const TimelineEntry& entry : incident.timeline) {
    timeline.push_back(json::object{
        {"at", rfc3339(entry.at_micros)},
        {"stage", to_string(entry.stage)},
        {"note", json_string_or_null(entry.note)},
    });
  }
  object["timeline"] = std::move(timeline);
  object["signals"] = signals_array(incident.signals);
  object["activity"] = activity_object(incident.activity);
  object["capture_error"] = json_string_or_null(incident.capture_error);
  object["wait_graph"] = wait_graph_value(incident.wait_graph.get());
  object["diagnosis"] = diagnosis_of(incident);
  return json_text(object);
}

std::string incidents_json(const View& view, const IncidentFilter& filter) {
  json::array incidents;
  std::size_t matching = 0;
  for (const Incident& incident : view.incidents) {
    const bool open = incident.stage != Stage::resolved;
    if (filter.open && *filter.open != open) continue;
    ++matching;
    if (incidents.size() < filter.limit) incidents.emplace_back(incident_summary_object(incident));
  }
  return json_text(json::object{
      {"schema_version", 1},
      {"matching", matching},
      {"incidents", std::move(incidents)},
  });
}

std::string backends_json(const View& view) {
  json::array backends;
  for (const TargetView& target : view.targets) {
    for (const BackendView& backend : target.backends) {
      backends.push_back(json::object{
          {"target", json_string(target.name)},
          {"rule", json_string(backend.rule)},
          {"stage", to_string(backend.stage)},
          {"matched_seconds", json_number(backend.matched_seconds)},
          {"exemption", json_string_or_null(backend.exemption)},
          {"incident_id", json_string_or_null(backend.incident_id)},
          {"source", to_string(backend.source)},
          {"protected_by", json_string_or_null(backend.protected_by)},
          {"suppressed", json_string_or_null(backend.suppressed)},
          {"activity", activity_object(backend.activity)},
      });
    }
  }
  return json_text(json::object{{"schema_version", 1}, {"backends", std::move(backends)}});
}

std::string status_json(const View& view) {
  json::array targets;
  for (const TargetView& target : view.targets)
    targets.emplace_back(target_object(target));
  const auto open = std::ranges::count_if(view.incidents, [](const Incident& incident) {
    return incident.stage != Stage::resolved;
  });
  return json_text(json::object{
      {"schema_version", 1},
      {"version", json_string(view.version)},
      {"mode", json_string(view.mode)},
      {"started_at", rfc3339(view.started_at_micros)},
      {"ready", view.ready},
      {"config_last_reload_successful", view.config_last_reload_successful},
      {"incidents_open", open},
      {"incidents_kept", view.incidents.size()},
      {"pause", pause_value(view.pause)},
      {"targets", std::move(targets)},
  });
}

std::string error_json(const std::string& message) {
  return json_text(json::object{{"error", json_string(message)}});
}

}  // namespace pghang
