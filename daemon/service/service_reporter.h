#pragma once

#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "daemon/service/service_manager.h"
#include "exporters/view.h"

namespace pghang {

/// Tells systemd what the daemon does, from the loop itself: a loop that is stuck stops telling,
/// and systemd starts the daemon anew. A database that is slow or gone stops nothing here.
class ServiceReporter {
 public:
  /// `view` outlives it. `degraded`: status_line().
  ServiceReporter(ServiceManager manager, const View& view, std::string degraded);

  /// It listens.
  void started();

  void reloading() { manager_.reloading(); }

  /// Whether it took effect or not: the service runs.
  void reloaded();

  void stopping() { manager_.stopping(); }

  /// Why it ends; stays on `systemctl status`.
  void failed(const std::string& why) { manager_.status(why); }

  /// Serves until the loop ends.
  [[nodiscard]] boost::asio::awaitable<void> run(boost::asio::any_io_executor executor);

 private:
  void tell_status();

  ServiceManager manager_;
  const View& view_;
  std::string degraded_;
  std::string told_;
};

}  // namespace pghang
