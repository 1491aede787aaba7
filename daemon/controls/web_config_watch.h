#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "config/settings.h"
#include "exporters/http/web_access.h"

namespace pghang {

/// By what it is seen that a file is another one or was written (stat(2)).
struct FileMark {
  bool there = false;
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified_nanos = 0;

  friend bool operator==(const FileMark&, const FileMark&) = default;
};

/// A web configuration, and the marks of its files from before they were read: what is written
/// while they are is seen next time.
struct WebConfigReading {
  LoadedWebAccess loaded;
  std::vector<FileMark> marks;
};

/// Blocks on the file system: before the loop starts, or on a thread that may hang.
[[nodiscard]] WebConfigReading read_web_config(const std::string& path);

/// Reads a web configuration again when one of its files has changed, or the last reading had
/// problems, without blocking the loop: a file system that hangs costs one thread, and then nothing
/// is read again. Loop thread only.
class WebConfigWatch {
 public:
  using Done = std::function<void(LoadedWebAccess)>;

  /// `done` gets every reading, on the loop, until this is gone.
  WebConfigWatch(
      boost::asio::any_io_executor executor,
      std::string path,
      Duration interval,
      Done done
  );
  WebConfigWatch(const WebConfigWatch&) = delete;
  WebConfigWatch& operator=(const WebConfigWatch&) = delete;
  ~WebConfigWatch();

  /// From now on, each interval.
  void start(const WebConfigReading& first);
  /// At once, whether anything changed or not. False: a reading is under way.
  bool read_now();

 private:
  struct Shared;
  bool read(bool whatever);
  void wait();

  std::shared_ptr<Shared> shared_;  ///< outlives us in a thread that hangs
  boost::asio::steady_timer timer_;
  Duration interval_;
};

}  // namespace pghang
