#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "exporters/http/http_message.h"
#include "exporters/view.h"

/// What each resource below `/api/v1/` answers (openapi.yaml). `query`: as it came in the request;
/// one that a resource does not take is answered 400. `now_micros`: unix epoch.
namespace pghang {

[[nodiscard]] HttpResponse
status_resource(const View& view, std::string_view query, std::int64_t now_micros);
[[nodiscard]] HttpResponse backends_resource(const View& view, std::string_view query);
[[nodiscard]] HttpResponse
incidents_resource(const View& view, std::string_view query, std::int64_t now_micros);
[[nodiscard]] HttpResponse
incident_resource(const View& view, std::string_view id, std::string_view query);
[[nodiscard]] HttpResponse fingerprints_resource(const View& view, std::string_view query);
[[nodiscard]] HttpResponse
fingerprint_resource(const View& view, std::string_view id, std::string_view query);
/// openapi.yaml itself.
[[nodiscard]] HttpResponse description_resource(std::string_view query);

}  // namespace pghang
