#include "exporters/web_gate.h"

#include <utility>

#include "exporters/http/own_names.h"

namespace pghang {
namespace {

HttpResponse text(int status, const std::string& line) {
  return {status, "text/plain; charset=utf-8", line + '\n', ""};
}

HttpResponse log_in() {
  HttpResponse response = text(401, "log in: this pghangd asks for a user and a password");
  response.challenge = R"(Basic realm="pghangd", charset="UTF-8")";
  return response;
}

HttpResponse refusal(LoginResult result) {
  return result == LoginResult::busy ? text(503, "too many logins at once; try again") : log_in();
}

}  // namespace

WebGate::WebGate(WebGateRules rules, HttpHandler behind, boost::asio::any_io_executor executor)
    : rules_(std::move(rules)),
      behind_(std::move(behind)),
      login_(std::move(executor)) {}

void WebGate::configure(const WebConfig& config) {
  login_.set_users(config.basic_auth_users);
  has_tls_ = config.tls_server_config.enabled();
  if (config.rate_limit != bucket_.limit()) bucket_ = TokenBucket(config.rate_limit);
}

void WebGate::know_names(std::vector<std::string> names) {
  rules_.own_names = std::move(names);
}

HttpResponse WebGate::answer(const HttpRequest& request) {
  if (request.control) return behind_(request);
  if (!bucket_.take(TokenBucket::Clock::now()))
    return text(429, "too many requests (rate_limit of the web configuration)");
  if (const auto known = login_.known(request.authorization))
    return *known == LoginResult::accepted ? admitted(request) : refusal(*known);
  HttpResponse later;
  later.deferred = [this, request](std::function<void(HttpResponse)> send) {
    login_.check(
        request.authorization,
        [this, request, send = std::move(send)](LoginResult result) {
          HttpResponse made = result == LoginResult::accepted ? admitted(request) : refusal(result);
          if (made.deferred) return made.deferred(send);
          send(std::move(made));
        }
    );
  };
  return later;
}

HttpResponse WebGate::admitted(const HttpRequest& request) const {
  const std::string why_not = objection(request);
  return why_not.empty() ? behind_(request) : text(403, why_not);
}

std::string WebGate::objection(const HttpRequest& request) const {
  const bool changes = request.method != "GET";
  if (changes && request.from_browser)
    return "not from a browser: use pghangd pause and resume, systemctl reload, or curl";
  if (login_.required() || request.client_verified) return "";
  if (changes && !request.loopback)
    return "this address is not loopback and nobody has to log in here: only requests that change "
           "nothing (web.config_file sets up a login)";
  if (is_harmless(request)) return "";
  if (!request.loopback && !rules_.public_details)
    return "only metrics and health here: this address is not loopback and nobody has to log in "
           "(web.config_file sets up a login; web.public_details: true shows all to everybody)";
  if (request.loopback && !has_tls_ && !names_this_host(request.host, rules_.own_names))
    return "called by a name that is not this host's; web.external_url says which is";
  return "";
}

bool WebGate::is_harmless(const HttpRequest& request) const {
  return request.path == rules_.telemetry_path || request.path == "/-/healthy" ||
         request.path == "/-/ready" || request.path.starts_with("/runbooks/") ||
         request.path.starts_with("/assets/");
}

}  // namespace pghang
