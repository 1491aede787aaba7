#include "exporters/api.h"

#include <algorithm>
#include <array>

#include "exporters/api_resources.h"
#include "exporters/fingerprints.h"
#include "exporters/http/etag.h"
#include "exporters/http/responses.h"
#include "exporters/pages/assets.h"
#include "exporters/pages/fingerprint_page.h"
#include "exporters/pages/incident_page.h"
#include "exporters/pages/landing_page.h"
#include "exporters/pages/runbook_page.h"

namespace pghang {
namespace {

constexpr std::string_view kTelemetry = "/metrics";

/// A request for one of the routes.
struct Asked {
  const Api& api;
  const HttpRequest& request;
  std::string_view id;  ///< what the path has at the `{...}` of its route
};

HttpResponse lifecycle_is_off() {
  return text_response(
      403,
      "lifecycle requests are off; start pghangd with --web.enable-lifecycle, or use its control "
      "socket, as pghangd pause does"
  );
}

bool allowed(const Asked& asked) {
  return asked.api.lifecycle_by_tcp || asked.request.control;
}

HttpResponse change_behaviour(const Asked& asked) {
  if (!allowed(asked) || !asked.api.lifecycle.pause) return lifecycle_is_off();
  return lifecycle_response(asked.api.lifecycle, asked.request).value_or(lifecycle_is_off());
}

HttpResponse reload(const Asked& asked) {
  if (!allowed(asked) || !asked.api.reload) return lifecycle_is_off();
  const std::string problem = asked.api.reload();
  if (!problem.empty()) return text_response(500, "reload not started: " + problem);
  return text_response(
      200,
      "reload started; pghangd_config_last_reload_successful tells how it ended"
  );
}

HttpResponse metrics(const Asked& asked) {
  return {
      200,
      "text/plain; version=0.0.4; charset=utf-8",
      asked.api.metrics.render(asked.api.view),
      ""};
}

HttpResponse healthy(const Asked& /*asked*/) {
  return text_response(200, "pghangd is healthy.");
}

HttpResponse ready(const Asked& asked) {
  return asked.api.view.ready
             ? text_response(200, "pghangd is ready.")
             : text_response(503, "pghangd is not ready: no poll has been tried yet.");
}

HttpResponse front(const Asked& asked) {
  return html_response(landing_page(asked.api.view, asked.api.telemetry_path, wall_clock_micros()));
}

HttpResponse asset(const Asked& asked) {
  const Asset* found = find_asset(asked.request.path);
  if (found == nullptr) return text_response(404, "no such file of the pages");
  return {200, std::string(found->content_type), std::string(found->text), ""};
}

HttpResponse shown_incident(const Asked& asked) {
  const View& view = asked.api.view;
  const auto found = std::ranges::find(view.incidents, asked.id, &Incident::id);
  if (found == view.incidents.end())
    return text_response(404, "no such incident; it may be too old to be kept");
  return html_response(incident_page(view, *found, wall_clock_micros()));
}

HttpResponse shown_fingerprint(const Asked& asked) {
  const auto groups = fingerprint_groups(asked.api.view);
  const auto found = std::ranges::find(groups, asked.id, &FingerprintGroup::id);
  if (found == groups.end())
    return text_response(404, "no such fingerprint; its incidents may be too old to be kept");
  return html_response(fingerprint_page(*found, wall_clock_micros()));
}

HttpResponse shown_runbook(const Asked& asked) {
  std::optional<std::string> html = runbook_page(asked.id);
  return html ? html_response(std::move(*html))
              : text_response(404, "no such runbook; /runbooks/ lists them");
}

HttpResponse status(const Asked& asked) {
  return status_resource(asked.api.view, asked.request.query, wall_clock_micros());
}

HttpResponse backends(const Asked& asked) {
  return backends_resource(asked.api.view, asked.request.query);
}

HttpResponse incidents(const Asked& asked) {
  return incidents_resource(asked.api.view, asked.request.query, wall_clock_micros());
}

HttpResponse incident(const Asked& asked) {
  return incident_resource(asked.api.view, asked.id, asked.request.query);
}

HttpResponse fingerprints(const Asked& asked) {
  return fingerprints_resource(asked.api.view, asked.request.query);
}

HttpResponse fingerprint(const Asked& asked) {
  return fingerprint_resource(asked.api.view, asked.id, asked.request.query);
}

HttpResponse description(const Asked& asked) {
  return description_resource(asked.request.query);
}

struct Row {
  Route route;
  HttpResponse (*answer)(const Asked&);
  bool has_etag;
};

/// The first one that fits is meant.
constexpr std::array kRows{
    Row{{"GET", kTelemetry}, metrics, false},
    Row{{"GET", "/"}, front, true},
    Row{{"GET", "/assets/{name}"}, asset, true},
    Row{{"GET", "/incidents/{id}"}, shown_incident, true},
    Row{{"GET", "/fingerprints/{id}"}, shown_fingerprint, true},
    Row{{"GET", "/runbooks/{name}"}, shown_runbook, true},
    Row{{"GET", "/-/healthy"}, healthy, false},
    Row{{"GET", "/-/ready"}, ready, false},
    Row{{"POST", "/-/reload"}, reload, false},
    Row{{"POST", "/-/pause"}, change_behaviour, false},
    Row{{"POST", "/-/resume"}, change_behaviour, false},
    Row{{"POST", "/-/breaker/reset"}, change_behaviour, false},
    Row{{"GET", "/api/v1/status"}, status, true},
    Row{{"GET", "/api/v1/backends"}, backends, true},
    Row{{"GET", "/api/v1/incidents"}, incidents, true},
    Row{{"GET", "/api/v1/incidents/{id}"}, incident, true},
    Row{{"GET", "/api/v1/fingerprints"}, fingerprints, true},
    Row{{"GET", "/api/v1/fingerprints/{id}"}, fingerprint, true},
    Row{{"GET", "/api/v1/openapi.yaml"}, description, true}};

/// Without its `{...}`; of the telemetry path as it is set.
std::string_view prefix_of(const Api& api, const Row& row) {
  if (row.route.path == kTelemetry) return api.telemetry_path;
  return row.route.path.substr(0, row.route.path.find('{'));
}

/// Its path ends in a name of something.
bool takes_id(const Row& row) {
  return row.route.path.ends_with('}');
}

bool fits(const Api& api, const Row& row, std::string_view path) {
  const std::string_view prefix = prefix_of(api, row);
  return takes_id(row) ? path.starts_with(prefix) : path == prefix;
}

bool is_api(std::string_view path) {
  return path.starts_with("/api/");
}

HttpResponse not_found(const Api& api, std::string_view path) {
  std::string there;
  for (const Row& row : kRows) {
    if (is_api(path) && !is_api(row.route.path)) continue;
    there += there.empty() ? "" : ", ";
    there += prefix_of(api, row);
    there += takes_id(row) ? "ID" : "";
  }
  return is_api(path) ? json_error(404, "no such resource; there are " + there)
                      : text_response(404, "not found; there are " + there);
}

HttpResponse not_allowed(const Row& row) {
  const std::string methods = row.route.method == "GET" ? "GET, HEAD" : "POST";
  const std::string line = "method not allowed; use " + methods;
  HttpResponse response = is_api(row.route.path) ? json_error(405, line) : text_response(405, line);
  response.allow = methods;
  return response;
}

}  // namespace

HttpResponse Api::operator()(const HttpRequest& request) const {
  const auto* const row =
      std::ranges::find_if(kRows, [&](const Row& one) { return fits(*this, one, request.path); });
  if (row == kRows.end()) return not_found(*this, request.path);
  if (request.method != row->route.method) return not_allowed(*row);
  const std::string_view id = std::string_view(request.path).substr(prefix_of(*this, *row).size());
  HttpResponse response = row->answer({*this, request, id});
  return row->has_etag ? revalidated(std::move(response), request.if_none_match) : response;
}

std::vector<Route> api_routes() {
  std::vector<Route> routes;
  routes.reserve(kRows.size());
  for (const Row& row : kRows)
    routes.push_back(row.route);
  return routes;
}

}  // namespace pghang
