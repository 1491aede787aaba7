#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "config/configuration.h"

namespace pghang {

/// Reads the configuration file again without blocking the loop: a file system that hangs costs one
/// thread, not the daemon. One read at a time.
class ConfigReloader {
 public:
  /// `path` empty: a reload gives the built-in defaults.
  ConfigReloader(boost::asio::any_io_executor executor, std::string path);
  ConfigReloader(const ConfigReloader&) = delete;
  ConfigReloader& operator=(const ConfigReloader&) = delete;
  ~ConfigReloader();

  /// Starts a read; `done` runs on the loop. False when one is under way (perhaps for ever).
  bool start(std::function<void(Configuration)> done);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  ///< outlives us in a thread that hangs
  std::string path_;
};

}  // namespace pghang
