#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace pghang {

struct HttpRequest {
  std::string method;
  std::string path;    ///< without the query, percent-decoding not applied
  std::string query;   ///< after the `?`; may be empty
  std::string peer{};  ///< who asks: `127.0.0.1:40312`, or `uid 0, pid 4711` by the control socket
  bool control = false;         ///< it came by the control socket
  std::string authorization{};  ///< value of that header; empty without
  std::string if_none_match{};  ///< the same
  std::string host{};           ///< the same, of Host
  bool from_browser = false;  ///< a page of some origin sent it: Origin or Sec-Fetch-Site is there
  bool loopback = false;      ///< it came to a loopback address of this host
  bool client_verified = false;  ///< its connection showed a certificate that was verified
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow;        ///< value of the Allow header; for 405
  std::string etag{};       ///< value of the ETag header, quotes included; empty: none
  std::string challenge{};  ///< value of the WWW-Authenticate header; for 401
  /// Set: all of the above is still to come. Called once, on the loop; `send` may be called at once
  /// or later, there too.
  std::function<void(std::function<void(HttpResponse)> send)> deferred{};
  std::string link{};  ///< value of the Link header; empty: none
};

/// Answers one request at once; runs on the loop. Does not throw.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

/// Names and values of header fields, in order.
using HttpFields = std::vector<std::pair<std::string, std::string>>;

}  // namespace pghang
