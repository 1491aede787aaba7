#include "exporters/api.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "diagnosis/report.h"
#include "exporters/fingerprints.h"
#include "exporters/json/json.h"
#include "exporters/pages/fingerprint_page.h"
#include "exporters/pages/incident_page.h"
#include "exporters/pages/landing_page.h"
#include "exporters/pages/page.h"

namespace pghang {
namespace {

constexpr std::string_view kIncidentPrefix = "/api/v1/incidents/";
constexpr std::string_view kFingerprintPrefix = "/api/v1/fingerprints/";
constexpr std::string_view kIncidentPage = "/incidents/";
constexpr std::string_view kFingerprintPage = "/fingerprints/";
constexpr std::string_view kApiPaths =
    "/api/v1/status, /api/v1/backends, /api/v1/incidents, /api/v1/incidents/ID, "
    "/api/v1/fingerprints, /api/v1/fingerprints/ID";

HttpResponse text(int status, const std::string& line) {
  return {status, "text/plain; charset=utf-8", line + '\n', ""};
}

HttpResponse page(std::string html) {
  return {200, "text/html; charset=utf-8", std::move(html), ""};
}

HttpResponse json(int status, const std::string& document) {
  return {status, "application/json", document + '\n', ""};
}

HttpResponse failure(int status, const std::string& message) {
  return json(status, error_json(message));
}

HttpResponse not_allowed(const char* allowed) {
  HttpResponse response = text(405, std::string("method not allowed; use ") + allowed);
  response.allow = allowed;
  return response;
}

HttpResponse not_found(const Api& api, const std::string& path) {
  if (path.starts_with("/api/"))
    return failure(404, "no such resource; there are " + std::string(kApiPaths));
  return text(
      404,
      "not found; there are /, /incidents/ID, /fingerprints/ID, " + api.telemetry_path +
          ", /-/healthy, /-/ready, /-/reload, /-/pause, /-/resume, /-/breaker/reset, " +
          std::string(kApiPaths)
  );
}

HttpResponse ready(const View& view) {
  return view.ready ? text(200, "pghangd is ready.")
                    : text(503, "pghangd is not ready: no poll has been tried yet.");
}

HttpResponse lifecycle_is_off() {
  return text(
      403,
      "lifecycle requests are off; start pghangd with --web.enable-lifecycle, or use its control "
      "socket, as pghangd pause does"
  );
}

HttpResponse change_behaviour(const Api& api, const HttpRequest& request) {
  const bool allowed = api.lifecycle_by_tcp || request.control;
  if (!allowed || !api.lifecycle.pause) return lifecycle_is_off();
  return lifecycle_response(api.lifecycle, request).value_or(lifecycle_is_off());
}

HttpResponse reload(const Api& api, const HttpRequest& request) {
  const bool allowed = api.lifecycle_by_tcp || request.control;
  if (!allowed || !api.reload) return lifecycle_is_off();
  const std::string problem = api.reload();
  return problem.empty()
             ? text(200, "reload started; pghangd_config_last_reload_successful tells how it ended")
             : text(500, "reload not started: " + problem);
}

/// An error text, or nothing and `filter` is set.
std::optional<std::string> parse_parameter(std::string_view parameter, IncidentFilter& filter) {
  const std::size_t equals = std::min(parameter.find('='), parameter.size());
  const std::string_view key = parameter.substr(0, equals);
  const std::string_view value = parameter.substr(std::min(equals + 1, parameter.size()));
  if (key == "state") {
    if (value != "open" && value != "resolved") return "state: open or resolved";
    filter.open = value == "open";
    return std::nullopt;
  }
  if (key == "limit") {
    const auto [end, failed] =
        std::from_chars(value.data(), value.data() + value.size(), filter.limit);
    if (failed != std::errc{} || end != value.data() + value.size() || filter.limit == 0)
      return "limit: a whole number from 1";
    return std::nullopt;
  }
  return "unknown parameter; there are limit and state";
}

HttpResponse incidents(const View& view, std::string_view query) {
  IncidentFilter filter;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const auto problem = parse_parameter(query.substr(0, end), filter);
    if (problem) return failure(400, *problem);
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return json(200, incidents_json(view, filter));
}

HttpResponse incident(const View& view, std::string_view id, std::string_view query) {
  const auto found = std::ranges::find(view.incidents, id, &Incident::id);
  if (found == view.incidents.end())
    return failure(404, "no such incident; /api/v1/incidents lists those kept");
  if (query == "format=text")
    return {200, "text/plain; charset=utf-8", render_incident(*found), ""};
  if (!query.empty() && query != "format=json")
    return failure(400, "unknown parameter; there is format, json or text");
  return json(200, incident_json(*found));
}

HttpResponse fingerprint(const View& view, std::string_view id) {
  const auto groups = fingerprint_groups(view);
  const auto found = std::ranges::find(groups, id, &FingerprintGroup::id);
  if (found == groups.end())
    return failure(404, "no such fingerprint; /api/v1/fingerprints lists those of kept incidents");
  return json(200, fingerprint_json(*found));
}

HttpResponse shown_incident(const View& view, std::string_view id) {
  const auto found = std::ranges::find(view.incidents, id, &Incident::id);
  if (found == view.incidents.end())
    return text(404, "no such incident; it may be too old to be kept");
  return page(incident_page(view, *found));
}

HttpResponse shown_fingerprint(const View& view, std::string_view id) {
  const auto groups = fingerprint_groups(view);
  const auto found = std::ranges::find(groups, id, &FingerprintGroup::id);
  if (found == groups.end())
    return text(404, "no such fingerprint; its incidents may be too old to be kept");
  return page(fingerprint_page(*found));
}

}  // namespace

HttpResponse Api::operator()(const HttpRequest& request) const {
  const std::string& path = request.path;
  if (path == "/-/reload")
    return request.method == "POST" ? pghang::reload(*this, request) : not_allowed("POST");
  if (is_lifecycle_path(path))
    return request.method == "POST" ? change_behaviour(*this, request) : not_allowed("POST");

  const bool known = path == "/" || path == "/style.css" || path == telemetry_path ||
                     path == "/-/healthy" || path == "/-/ready" || path == "/api/v1/status" ||
                     path == "/api/v1/backends" || path == "/api/v1/incidents" ||
                     path == "/api/v1/fingerprints" || path.starts_with(kIncidentPrefix) ||
                     path.starts_with(kFingerprintPrefix) || path.starts_with(kIncidentPage) ||
                     path.starts_with(kFingerprintPage);
  if (!known) return not_found(*this, path);
  if (request.method != "GET") return not_allowed("GET, HEAD");

  if (path == telemetry_path)
    return {200, "text/plain; version=0.0.4; charset=utf-8", metrics.render(view), ""};
  if (path == "/") return page(landing_page(view, telemetry_path));
  if (path.starts_with(kIncidentPage))
    return shown_incident(view, std::string_view(path).substr(kIncidentPage.size()));
  if (path.starts_with(kFingerprintPage))
    return shown_fingerprint(view, std::string_view(path).substr(kFingerprintPage.size()));
  if (path == "/style.css")
    return {200, "text/css; charset=utf-8", std::string(style_sheet()) + detail_style_sheet(), ""};
  if (path == "/-/healthy") return text(200, "pghangd is healthy.");
  if (path == "/-/ready") return ready(view);
  if (path == "/api/v1/status") return json(200, status_json(view));
  if (path == "/api/v1/backends") return json(200, backends_json(view));
  if (path == "/api/v1/incidents") return incidents(view, request.query);
  if (path == "/api/v1/fingerprints") return json(200, fingerprints_json(view));
  if (path.starts_with(kFingerprintPrefix))
    return fingerprint(view, std::string_view(path).substr(kFingerprintPrefix.size()));
  return incident(view, std::string_view(path).substr(kIncidentPrefix.size()), request.query);
}

}  // namespace pghang
