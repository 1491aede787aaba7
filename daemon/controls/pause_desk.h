#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/system_timer.hpp>

#include "config/settings.h"
#include "daemon/controls/pause.h"
#include "daemon/controls/pause_file.h"
#include "exporters/lifecycle.h"

namespace pghang {

class Chronicle;

/// Whether all signals are stopped, from the first moment on: until the file was read it is not
/// known, so they are. A file that cannot be read or understood stops them until somebody resumes.
/// Loop thread only.
class PauseDesk {
 public:
  /// An answer is given after this at the latest, whatever the disk does.
  static constexpr std::chrono::milliseconds kPatience{2000};

  /// `path`: empty, nothing survives a restart. `apply` is told every change at once, before
  /// anything is saved.
  PauseDesk(
      boost::asio::any_io_executor executor,
      const std::string& path,
      Chronicle& chronicle,
      std::function<void(bool paused)> apply
  );
  PauseDesk(const PauseDesk&) = delete;
  PauseDesk& operator=(const PauseDesk&) = delete;
  ~PauseDesk();

  /// Before the first poll.
  void start();
  void pause(Duration length, std::string reason, std::string by, Lifecycle::Reply reply);
  void resume(const std::string& by, Lifecycle::Reply reply);

  [[nodiscard]] bool paused() const { return !known_ || pause_.has_value(); }

 private:
  struct Waiting;

  void loaded(Result<std::optional<Pause>> result);
  void adopt(Pause pause, bool restored);
  void end(const std::string& by);
  void save(std::string done, Lifecycle::Reply reply);
  void saved(std::uint64_t change, const std::string& problem);

  boost::asio::any_io_executor executor_;
  std::string path_;
  Chronicle& chronicle_;
  std::function<void(bool)> apply_;
  std::optional<Pause> pause_;
  bool known_ = false;  ///< what the file says, or what somebody said since
  boost::asio::system_timer expiry_;
  std::uint64_t last_change_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Waiting>> waiting_;  ///< by change
  std::unique_ptr<PauseFile> file_;
};

}  // namespace pghang
