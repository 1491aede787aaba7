#include "daemon/web_front.h"

#include <utility>

#include "daemon/control_client.h"
#include "daemon/logger.h"
#include "exporters/api.h"
#include "exporters/external_url.h"

namespace pghang {

WebFront::WebFront(boost::asio::any_io_executor executor, View& view, Metrics& metrics, Logger& log)
    : executor_(std::move(executor)),
      view_(view),
      metrics_(metrics),
      log_(log) {}

Result<void> WebFront::open(const Web& web, std::vector<UniqueFd> sockets, Controls controls) {
  Api api{view_, metrics_, web.telemetry_path, std::move(controls.reload)};
  api.lifecycle = std::move(controls.lifecycle);
  api.lifecycle_by_tcp = web.enable_lifecycle;
  auto server = HttpServer::start(
      executor_,
      sockets.empty() ? web.listen_addresses : std::vector<std::string>(),
      std::move(api)
  );
  if (!server) return server.error();
  http_ = std::move(*server);
  for (UniqueFd& socket : sockets) {
    if (auto taken = http_->adopt(std::move(socket)); !taken) return taken.error();
  }
  view_.external_url = external_url(web.external_url, http_->addresses().front(), host_name());
  for (const std::string& address : http_->addresses())
    log_.info("listening", {{"url", "http://" + address + "/"}});
  open_control_socket(web.control_socket);
  return {};
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
