#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/result.h"
#include "exporters/fingerprints.h"
#include "exporters/incident_list.h"
#include "exporters/json/json.h"

/// The queries that the API's resources take, and what their parameters mean (openapi.yaml). Each
/// error is malformed: one line that names the parameter and what is allowed.
namespace pghang {

struct IncidentsQuery {
  IncidentFilter filter;
  IncidentPaging paging;
};

/// `limit`, `cursor`, `state`, `target`, `rule`, `database`, `user`, `fingerprint`, `cause`,
/// `gate`, `since`, `until`; the last two a time, or how long before `now_micros` (unix epoch).
[[nodiscard]] Result<IncidentsQuery>
incidents_query(std::string_view query, std::int64_t now_micros);

/// `target`, `rule`, `stage`, `exempt`.
[[nodiscard]] Result<BackendFilter> backends_query(std::string_view query);

/// `target`, `cause`, `sort`.
[[nodiscard]] Result<FingerprintsQuery> fingerprints_query(std::string_view query);

/// `format`: whether text is wanted instead of JSON.
[[nodiscard]] Result<bool> wants_text(std::string_view query);

/// For resources that take none.
[[nodiscard]] Result<void> no_parameters(std::string_view query);

/// The same query with another `cursor`: where the next page is, relative to this one.
[[nodiscard]] std::string with_cursor(std::string_view query, const std::string& cursor);

}  // namespace pghang
