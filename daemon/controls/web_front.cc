#include "daemon/controls/web_front.h"

#include <utility>

#include "daemon/controls/control_client.h"
#include "daemon/service/logger.h"
#include "exporters/api.h"
#include "exporters/external_url.h"
#include "exporters/http/own_names.h"

namespace pghang {
namespace {

/// A renewed certificate is in use after this.
constexpr Duration kWatchInterval{std::chrono::seconds{5}};

HttpFields fields_of(const WebHeaders& headers) {
  HttpFields fields{
      {"Content-Security-Policy", headers.content_security_policy},
      {"X-Frame-Options", headers.x_frame_options},
      {"X-Content-Type-Options", headers.x_content_type_options},
      {"X-XSS-Protection", headers.x_xss_protection},
      {"Strict-Transport-Security", headers.strict_transport_security},
  };
  std::erase_if(fields, [](const auto& field) { return field.second.empty(); });
  return fields;
}

/// An empty or half-written file must not open what was closed.
std::string lowered(const WebConfig& before, const WebConfig& now) {
  if (before.tls_server_config.enabled() && !now.tls_server_config.enabled())
    return "TLS is gone: that takes a restart";
  if (before.has_login() && !now.has_login()) return "the login is gone: that takes a restart";
  return "";
}

}  // namespace

WebFront::WebFront(boost::asio::any_io_executor executor, View& view, Metrics& metrics, Logger& log)
    : executor_(std::move(executor)),
      view_(view),
      metrics_(metrics),
      log_(log) {}

Result<void> WebFront::open(
    const Web& web,
    std::vector<UniqueFd> sockets,
    Controls controls,
    std::optional<WebConfigReading> config
) {
  Api api{view_, metrics_, web.telemetry_path, std::move(controls.reload)};
  api.lifecycle = std::move(controls.lifecycle);
  api.lifecycle_by_tcp = web.enable_lifecycle;
  gate_ = std::make_unique<WebGate>(
      WebGateRules{web.telemetry_path, web.public_details, {}},
      std::move(api),
      executor_
  );
  auto server = HttpServer::start(
      executor_,
      sockets.empty() ? web.listen_addresses : std::vector<std::string>(),
      [gate = gate_.get()](const HttpRequest& request) { return gate->answer(request); }
  );
  if (!server) return server.error();
  http_ = std::move(*server);
  for (UniqueFd& socket : sockets) {
    if (auto taken = http_->adopt(std::move(socket)); !taken) return taken.error();
  }
  configured_url_ = web.external_url;
  use(config ? config->loaded.access : WebAccess{});
  for (const std::string& address : http_->addresses()) {
    const char* scheme = config_.tls_server_config.enabled() ? "https://" : "http://";
    log_.info("listening", {{"url", scheme + address + "/"}});
  }
  open_control_socket(web.control_socket);
  if (!config) return {};
  for (const ConfigProblem& warning : config->loaded.warnings)
    log_.warn("configuration_warning", {{"warning", to_string(warning)}});
  watch_ = std::make_unique<WebConfigWatch>(
      executor_,
      web.config_file,
      kWatchInterval,
      [this](const LoadedWebAccess& loaded) { read_again(loaded); }
  );
  watch_->start(*config);
  return {};
}

void WebFront::reload() {
  if (watch_ && !watch_->read_now())
    log_.warn("web_config_not_read", {{"error", "its last reading has not ended yet"}});
}

void WebFront::read_again(const LoadedWebAccess& loaded) {
  if (!loaded.ok()) return keep_old(to_string(loaded.problems.front()));
  const std::string lower = lowered(config_, loaded.access.config);
  if (!lower.empty()) return keep_old(loaded.access.files.front() + ": " + lower);
  for (const ConfigProblem& warning : loaded.warnings)
    log_.warn("configuration_warning", {{"warning", to_string(warning)}});
  use(loaded.access);
  log_.info(
      "web_config_loaded",
      {{"file", loaded.access.files.front()},
       {"tls", loaded.access.tls.context ? "true" : "false"},
       {"users", std::to_string(config_.basic_auth_users.size())}}
  );
}

/// Said once for each problem, however often it is met.
void WebFront::keep_old(const std::string& problem) {
  if (!view_.web_config || view_.web_config->problem == problem) return;
  view_.web_config->problem = problem;
  log_.error(
      "web_config_failed",
      {{"problem", problem}, {"consequence", "the one before stays in use"}}
  );
}

void WebFront::use(const WebAccess& access) {
  config_ = access.config;
  http_->use_tls(access.tls.context);
  http_->add_headers(fields_of(config_.http_server_config.headers));
  gate_->configure(config_);
  publish_url();
  if (access.files.empty()) return;
  view_.web_config.emplace();
  if (access.tls.context) view_.web_config->certificate_expires_at = access.tls.expires_at;
}

void WebFront::publish_url() {
  const bool tls = config_.tls_server_config.enabled();
  view_.external_url = external_url(configured_url_, http_->addresses().front(), host_name(), tls);
  gate_->know_names({host_of(view_.external_url), host_of(host_name())});
}

void WebFront::open_control_socket(const std::string& configured) {
  const std::string path = own_control_socket_path(configured);
  if (path.empty()) {
    log_.info("no_control_socket", {{"consequence", "pghangd pause and resume cannot reach it"}});
  } else if (const auto opened = http_->serve_control_socket(path); !opened) {
    log_.warn(
        "no_control_socket",
        {{"error", opened.error().context},
         {"consequence", "pghangd pause and resume cannot reach it"}}
    );
  } else {
    log_.info("control_socket", {{"path", path}});
  }
}

}  // namespace pghang
