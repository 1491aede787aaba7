#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "config/settings.h"
#include "config/unique_fd.h"
#include "daemon/controls/web_config_watch.h"
#include "exporters/http/http_server.h"
#include "exporters/lifecycle.h"
#include "exporters/web_gate.h"

namespace pghang {

class Logger;
class Metrics;
struct View;

/// Where the daemon is asked: its HTTP listeners and its control socket, with TLS and logins as the
/// web configuration has them at the moment. Loop thread only.
class WebFront {
 public:
  /// What a request may set going.
  struct Controls {
    std::function<std::string()> reload;  ///< an error text, or empty
    Lifecycle lifecycle;
  };

  /// References outlive it.
  WebFront(boost::asio::any_io_executor executor, View& view, Metrics& metrics, Logger& log);

  /// Serves the addresses, or these sockets instead if there are any, and the control socket
  /// (without which everything else goes on). Publishes the external URL. `config`: read without
  /// problems from `web.config_file`; absent where there is none. Errors: those of HttpServer.
  [[nodiscard]] Result<void> open(
      const Web& web,
      std::vector<UniqueFd> sockets,
      Controls controls,
      std::optional<WebConfigReading> config
  );

  /// Reads the web configuration again, if there is one. One with problems changes nothing.
  void reload();

 private:
  void open_control_socket(const std::string& configured);
  void use(const WebAccess& access);
  void read_again(const LoadedWebAccess& loaded);
  void keep_old(const std::string& problem);
  void publish_url();

  boost::asio::any_io_executor executor_;
  View& view_;
  Metrics& metrics_;
  Logger& log_;
  std::string configured_url_;
  WebConfig config_;  ///< in use
  std::unique_ptr<WebGate> gate_;
  std::unique_ptr<HttpServer> http_;  ///< asks gate_
  std::unique_ptr<WebConfigWatch> watch_;
};

}  // namespace pghang
