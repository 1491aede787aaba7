#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "config/settings.h"
#include "config/unique_fd.h"
#include "exporters/http/http_server.h"
#include "exporters/lifecycle.h"

namespace pghang {

class Logger;
class Metrics;
struct View;

/// Where the daemon is asked: its HTTP listeners and its control socket. Loop thread only.
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
  /// (without which everything else goes on). Publishes the external URL. Errors: those of
  /// HttpServer.
  [[nodiscard]] Result<void> open(const Web& web, std::vector<UniqueFd> sockets, Controls controls);

 private:
  void open_control_socket(const std::string& configured);

  boost::asio::any_io_executor executor_;
  View& view_;
  Metrics& metrics_;
  Logger& log_;
  std::unique_ptr<HttpServer> http_;
};

}  // namespace pghang
