#include "exporters/api_resources.h"

#include <algorithm>

#include "diagnosis/report.h"
#include "exporters/api_parameters.h"
#include "exporters/fingerprints.h"
#include "exporters/http/responses.h"
#include "exporters/json/json.h"
#include "exporters/openapi_text.h"

namespace pghang {
namespace {

template <typename T>
HttpResponse refusal(const Result<T>& query) {
  return json_error(400, query.error().context);
}

}  // namespace

HttpResponse status_resource(const View& view, std::string_view query, std::int64_t now_micros) {
  const auto wanted = no_parameters(query);
  return wanted ? json_response(status_json(view, now_micros)) : refusal(wanted);
}

HttpResponse backends_resource(const View& view, std::string_view query) {
  const auto filter = backends_query(query);
  return filter ? json_response(backends_json(view, *filter)) : refusal(filter);
}

HttpResponse incidents_resource(const View& view, std::string_view query, std::int64_t now_micros) {
  const auto wanted = incidents_query(query, now_micros);
  if (!wanted) return refusal(wanted);
  const IncidentList list = list_incidents(view.incidents, wanted->filter, wanted->paging);
  HttpResponse response = json_response(incidents_json(list));
  if (list.next)
    response.link = '<' + with_cursor(query, cursor_of(*list.next)) + ">; rel=\"next\"";
  return response;
}

HttpResponse incident_resource(const View& view, std::string_view id, std::string_view query) {
  const auto found = std::ranges::find(view.incidents, id, &Incident::id);
  if (found == view.incidents.end())
    return json_error(404, "no such incident; /api/v1/incidents lists those kept");
  const auto text = wants_text(query);
  if (!text) return refusal(text);
  if (*text) return {200, "text/plain; charset=utf-8", render_incident(*found), ""};
  return json_response(incident_json(*found));
}

HttpResponse fingerprints_resource(const View& view, std::string_view query) {
  const auto wanted = fingerprints_query(query);
  return wanted ? json_response(fingerprints_json(view, *wanted)) : refusal(wanted);
}

HttpResponse fingerprint_resource(const View& view, std::string_view id, std::string_view query) {
  const auto groups = fingerprint_groups(view);
  const auto found = std::ranges::find(groups, id, &FingerprintGroup::id);
  if (found == groups.end())
    return json_error(
        404,
        "no such fingerprint; /api/v1/fingerprints lists those of kept incidents"
    );
  const auto wanted = no_parameters(query);
  return wanted ? json_response(fingerprint_json(*found)) : refusal(wanted);
}

HttpResponse description_resource(std::string_view query) {
  const auto wanted = no_parameters(query);
  if (!wanted) return refusal(wanted);
  return {200, "application/yaml", std::string(openapi_text()), ""};
}

}  // namespace pghang
