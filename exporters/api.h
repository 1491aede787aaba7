#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/http/http_server.h"
#include "exporters/lifecycle.h"
#include "exporters/metrics/metrics.h"
#include "exporters/view.h"

namespace pghang {

/// Everything that is served: the pages, the telemetry path, `/-/...` (POST only with `reload` or
/// `lifecycle`), and `/api/v1/...` (openapi.yaml). Pure routing over what it is given; references
/// must outlive it. Pages and the API's answers have an ETag; the others never do.
struct Api {
  const View& view;
  Metrics& metrics;
  std::string telemetry_path;
  std::function<std::string()>
      reload;             ///< empty: lifecycle is off (403). Returns an error text, or empty.
  Lifecycle lifecycle{};  ///< empty: off (403)
  bool lifecycle_by_tcp = true;  ///< false: only by the control socket

  [[nodiscard]] HttpResponse operator()(const HttpRequest& request) const;
};

/// One kind of path that Api serves, with its only method (GET: HEAD too).
struct Route {
  std::string_view method;
  std::string_view path;  ///< `/incidents/{id}`; the telemetry path as `/metrics`
};

[[nodiscard]] std::vector<Route> api_routes();

}  // namespace pghang
