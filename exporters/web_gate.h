#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "config/web_config.h"
#include "exporters/http/http_server.h"
#include "exporters/http/login.h"
#include "exporters/http/token_bucket.h"

namespace pghang {

/// What the gate is told once, at the start.
struct WebGateRules {
  std::string telemetry_path;
  bool public_details = false;         ///< Web::public_details
  std::vector<std::string> own_names;  ///< hosts by which a browser may call this one, lower case
};

/// Stands between the server and the Api, and lets nothing through that whoever asks may not have:
/// - over the rate limit: 429; without a login where one is asked for: 401 (no path is open);
/// - at an address that is not loopback, where nobody has to log in: metrics, health and what is
///   the same everywhere (runbooks, style) only, unless `public_details`; never a POST (403);
/// - a POST from a browser's page: 403. No page of ours sends any, so it is somebody else's;
/// - at loopback without TLS and a login, by a name that is not ours (DNS rebinding): the same 403
///   for all but those.
/// The control socket passes. Loop thread only.
class WebGate {
 public:
  WebGate(WebGateRules rules, HttpHandler behind, boost::asio::any_io_executor executor);

  /// Logins and limits from now on.
  void configure(const WebConfig& config);
  /// Also called by these names.
  void know_names(std::vector<std::string> names);

  [[nodiscard]] HttpResponse answer(const HttpRequest& request);

  [[nodiscard]] const Login& login() const { return login_; }

 private:
  [[nodiscard]] HttpResponse admitted(const HttpRequest& request) const;
  [[nodiscard]] std::string objection(const HttpRequest& request) const;
  [[nodiscard]] bool is_harmless(const HttpRequest& request) const;

  WebGateRules rules_;
  HttpHandler behind_;
  Login login_;
  TokenBucket bucket_{RateLimit{}};
  bool has_tls_ = false;
};

}  // namespace pghang
