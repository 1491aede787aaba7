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

json::object pause_object(const PauseView& pause) {
  return {
      {"paused", pause.paused},
      {"since", pause.paused ? json::value(rfc3339(pause.since_micros)) : json::value()},
      {"until", pause.paused ? moment(pause.until_micros) : json::value()},
      {"by", pause.paused ? json_string(pause.by) : json::value()},
      {"reason", pause.paused ? json_string_or_null(pause.reason) : json::value()},
      {"problem", json_string_or_null(pause.problem)},
  };
}

json::value web_config_value(const std::optional<WebConfigView>& web) {
  if (!web) return nullptr;
  const auto expiry = web->certificate_expires_at;
  return json::object{
      {"last_reload_successful", web->problem.empty()},
      {"problem", json_string_or_null(web->problem)},
      {"certificate_expires_at",
       expiry ? json::value(rfc3339(*expiry * 1'000'000)) : json::value(nullptr)},
  };
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

json::object backend_object(const std::string& target, const BackendView& backend) {
  return {
      {"target", json_string(target)},
      {"rule", json_string(backend.rule)},
      {"stage", to_string(backend.stage)},
      {"matched_seconds", json_number(backend.matched_seconds)},
      {"exemption", json_string_or_null(backend.exemption)},
      {"incident_id", json_string_or_null(backend.incident_id)},
      {"source", to_string(backend.source)},
      {"protected_by", json_string_or_null(backend.protected_by)},
      {"suppressed", json_string_or_null(backend.suppressed)},
      {"refused", json_string_or_null(backend.refused)},
      {"activity", activity_object(backend.activity)},
  };
}

bool holds(const BackendFilter& filter, const TargetView& target, const BackendView& backend) {
  return (filter.target.empty() || filter.target == target.name) &&
         (filter.rule.empty() || filter.rule == backend.rule) &&
         (!filter.stage || *filter.stage == backend.stage) &&
         (!filter.exempt || *filter.exempt == !backend.exemption.empty());
}

}  // namespace

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

std::string backends_json(const View& view, const BackendFilter& filter) {
  json::array backends;
  for (const TargetView& target : view.targets) {
    for (const BackendView& backend : target.backends) {
      if (holds(filter, target, backend))
        backends.emplace_back(backend_object(target.name, backend));
    }
  }
  return json_text(json::object{{"schema_version", 1}, {"backends", std::move(backends)}});
}

std::string status_json(const View& view, std::int64_t now_micros) {
  json::array targets;
  for (const TargetView& target : view.targets)
    targets.emplace_back(target_object(target));
  const auto open = std::ranges::count_if(view.incidents, [](const Incident& incident) {
    return incident.stage != Stage::resolved;
  });
  const double uptime =
      static_cast<double>(std::max(now_micros - view.started_at_micros, std::int64_t{0})) / 1e6;
  return json_text(json::object{
      {"schema_version", 1},
      {"version", json_string(view.version)},
      {"revision", json_string_or_null(view.revision)},
      {"mode", json_string(view.mode)},
      {"started_at", rfc3339(view.started_at_micros)},
      {"uptime_seconds", uptime},
      {"ready", view.ready},
      {"config_last_reload_successful", view.config_last_reload_successful},
      {"incidents_open", open},
      {"incidents_kept", view.incidents.size()},
      {"targets_up", std::ranges::count_if(view.targets, &TargetView::up)},
      {"pause", pause_object(view.pause)},
      {"targets", std::move(targets)},
      {"web_config", web_config_value(view.web_config)},
  });
}

std::string error_json(const std::string& message) {
  return json_text(json::object{{"error", json_string(message)}});
}

}  // namespace pghang
