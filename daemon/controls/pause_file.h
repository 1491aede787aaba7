#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "config/result.h"
#include "daemon/controls/pause.h"

namespace pghang {

/// Keeps a pause over restarts, in a file that a thread of its own reads and writes: the disk may
/// be the one that hangs. While it hangs at most kMaxWaiting changes wait, then one is refused
/// (busy).
class PauseFile {
 public:
  static constexpr std::size_t kMaxWaiting = 8;

  using Loaded = std::function<void(Result<std::optional<Pause>>)>;
  using Saved = std::function<void(Result<void>)>;

  PauseFile(const boost::asio::any_io_executor& executor, std::string path);
  PauseFile(const PauseFile&) = delete;
  PauseFile& operator=(const PauseFile&) = delete;
  /// Does not wait for the disk: what waits in the queue is lost.
  ~PauseFile();

  /// What the file holds; nothing where there is none. Errors: malformed, permission_denied, io.
  /// Callbacks run on the executor, never after this is gone.
  void load(Loaded done);
  /// Replaces the file as a whole, on the disk when it is done; nothing removes it.
  void save(const std::optional<Pause>& pause, Saved done);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  ///< outlives us in a thread that hangs
};

/// `pause` in systemd's state directory; empty where that is not set.
[[nodiscard]] std::string pause_path();

/// What the thread does. Block on the file system.
[[nodiscard]] Result<std::optional<Pause>> read_pause(const std::string& path);
[[nodiscard]] Result<void> write_pause(const std::string& path, const std::optional<Pause>& pause);

}  // namespace pghang
