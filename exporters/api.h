#pragma once

#include <functional>
#include <string>

#include "exporters/http/http_server.h"
#include "exporters/lifecycle.h"
#include "exporters/metrics/metrics.h"
#include "exporters/view.h"

namespace pghang {

/// Routes: telemetry path, `/` (links), `/incidents/ID`, `/fingerprints/ID`, `/-/healthy`,
/// `/-/ready`, `POST /-/reload` (when `reload` is set), those of lifecycle.h (when `lifecycle` is
/// set),
/// `/api/v1/{status,backends,incidents,incidents/ID,fingerprints,fingerprints/ID}`. Pure routing
/// over what it is given; references must outlive it.
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

}  // namespace pghang
