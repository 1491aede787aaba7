#pragma once

#include <string>

namespace pghang {

/// Where a browser reaches the pages, without a slash at its end. `configured` (web.external_url)
/// if it is set; else http (https over TLS) and `bound`, an address as HttpServer::addresses()
/// tells it, where every interface is called by `host_name`.
[[nodiscard]] std::string external_url(
    std::string configured,
    const std::string& bound,
    const std::string& host_name,
    bool tls = false
);

/// gethostname(2); `localhost` where that says nothing.
[[nodiscard]] std::string host_name();

}  // namespace pghang
