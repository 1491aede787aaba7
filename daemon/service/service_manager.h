#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/unique_fd.h"

namespace pghang {

/// What systemd is told by sd_notify(3)'s protocol, and what it hands over. By hand rather than by
/// libsystemd, whose sd_notify() blocks while systemd does not read: the loop must not. Each call
/// is one datagram that is lost when it cannot be sent at once. Nothing happens when systemd did
/// not start this process.
class ServiceManager {
 public:
  /// $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID of this process.
  [[nodiscard]] static ServiceManager from_environment();

  /// Told nothing.
  ServiceManager() = default;

  void ready() const { send("READY=1"); }

  /// The end of it is ready().
  void reloading() const;

  void stopping() const { send("STOPPING=1"); }

  /// The loop is alive: at least every watchdog().
  void alive() const { send("WATCHDOG=1"); }

  /// One line for `systemctl status`; of longer text, and of several lines, the beginning.
  void status(const std::string& text) const;

  /// Within this time systemd wants to hear alive(), else it ends the process; none: never.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }

 private:
  void send(const std::string& message) const;

  UniqueFd socket_;  ///< connected; invalid when there is nobody to tell
  std::optional<std::chrono::microseconds> watchdog_;
};

/// Sockets of a systemd socket unit (sd_listen_fds(3)): listening, close-on-exec from here on.
/// Call once; none when there is no such unit.
[[nodiscard]] std::vector<UniqueFd> take_listening_sockets();

}  // namespace pghang
