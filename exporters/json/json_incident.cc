#include <utility>

#include <boost/json.hpp>

#include "exporters/json/json.h"
#include "exporters/json/json_text.h"
#include "exporters/json/json_values.h"
#include "exporters/text.h"

namespace pghang {
namespace {

namespace json = boost::json;

json::value optional_string(const std::optional<std::string>& text) {
  return text ? json_string(*text) : json::value();
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

json::value diagnosis_of(const Incident& incident) {
  if (!incident.evidence || !incident.verdict) return nullptr;
  return diagnosis_object(
      *incident.evidence,
      *incident.verdict,
      incident.fingerprint,
      incident.wait_graph.get()
  );
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

std::string incidents_json(const IncidentList& list) {
  json::array incidents;
  for (const Incident* incident : list.incidents)
    incidents.emplace_back(incident_summary_object(*incident));
  return json_text(json::object{
      {"schema_version", 1},
      {"matching", list.matching},
      {"next", list.next ? json_string(cursor_of(*list.next)) : json::value()},
      {"incidents", std::move(incidents)},
  });
}

}  // namespace pghang
