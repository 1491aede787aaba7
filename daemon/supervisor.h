#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "collectors/sampler/client.h"
#include "config/configuration.h"
#include "daemon/controls/web_config_watch.h"
#include "daemon/service/service_manager.h"

namespace pghang {

class Logger;

/// How the daemon was started, beside its configuration file.
struct RunOptions {
  std::string config_file;  ///< empty: built-in defaults
  /// Applies the command line's overrides; called again after each reload.
  std::function<void(Settings&)> override_settings;
  ServiceManager service;
  std::vector<std::string> missing_capabilities;  ///< daemon/service/privileges.h
  std::vector<UniqueFd> sockets;                  ///< to listen on instead of the listen addresses
  std::optional<WebConfigReading> web_config;     ///< without problems; absent where there is none
};

/// The running daemon on one loop: a monitor per target, one capture desk, the HTTP server, Unix
/// signals.
class Supervisor {
 public:
  /// References outlive it. The sampler was started before (nothing is forked from here).
  Supervisor(
      boost::asio::io_context& loop,
      Configuration config,
      RunOptions options,
      sampler::SamplerClient& sampler,
      Logger& log
  );
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor();

  /// Serves until SIGTERM or SIGINT (returns 0), or until it cannot go on: the keeper ended, or no
  /// address could be bound (returns 1).
  [[nodiscard]] int run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pghang
