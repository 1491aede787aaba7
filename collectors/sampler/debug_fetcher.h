#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/sampler/syscall_filter.h"
#include "config/unique_fd.h"

namespace pghang::sampler {

/// What a debuginfod server had.
struct FetchedFile {
  std::string build_id;
  std::string path;  ///< in the cache of libdebuginfod
};

/// Downloads debug files in the background, by a child process without capabilities: one at a time,
/// each ended at its deadline. Nobody ever waits for it but who polls fd().
class DebugFetcher {
 public:
  /// `timeout`: for all that is asked for at once; 0: nothing is ever downloaded.
  /// `narrow`: what the child gives up before it asks anybody.
  explicit DebugFetcher(
      std::chrono::milliseconds timeout,
      std::optional<SyscallFilter> narrow = std::nullopt
  )
      : timeout_(timeout),
        narrow_(std::move(narrow)) {}

  DebugFetcher(const DebugFetcher&) = delete;
  DebugFetcher& operator=(const DebugFetcher&) = delete;
  ~DebugFetcher();

  /// What $DEBUGINFOD_URLS and $DEBUGINFOD_MAXTIME say; no servers, no downloads.
  [[nodiscard]] static std::chrono::milliseconds timeout_from_environment();

  [[nodiscard]] bool enabled() const { return timeout_.count() > 0; }

  /// Starts to ask for these, at most kMaxAtOnce, unless a child is at work. What no server had, or
  /// not in time, is not asked for again for kAskAgain.
  void want(const std::vector<std::string>& build_ids);

  /// Readable when take() has something to do; -1 while there is no child.
  [[nodiscard]] int fd() const { return answers_.get(); }

  /// When the child is to be ended, for poll(2); -1 while there is none.
  [[nodiscard]] int poll_timeout() const;
  /// What has come since. Ends a child that is late. Never blocks.
  [[nodiscard]] std::vector<FetchedFile> take();

  static constexpr std::size_t kMaxAtOnce = 16;
  static constexpr std::chrono::minutes kAskAgain{10};

 private:
  using Clock = std::chrono::steady_clock;

  void start(std::vector<std::string> build_ids);
  void read_answers();
  void end();

  std::chrono::milliseconds timeout_;
  std::optional<SyscallFilter> narrow_;
  std::map<std::string, Clock::time_point> asked_;  ///< until when not to ask again
  UniqueFd answers_;
  std::string text_;  ///< lines of `BUILD_ID PATH`, as they come
  pid_t child_ = 0;   ///< 0: none, or reaped
  Clock::time_point deadline_;
};

}  // namespace pghang::sampler
