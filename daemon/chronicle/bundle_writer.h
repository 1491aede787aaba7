#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "config/settings.h"
#include "daemon/chronicle/beside.h"
#include "exporters/bundle/bundle.h"

namespace pghang {

/// Writes bundles on a thread of its own: the disk may be the one that hangs. At most kMaxWaiting
/// wait; while the disk hangs, further ones are dropped and the daemon goes on.
class BundleWriter {
 public:
  static constexpr std::size_t kMaxWaiting = 16;

  /// `result`: `written`, `failed` or `dropped`; `context`: the path, or what went wrong.
  using Done = std::function<void(const std::string& result, const std::string& context)>;

  /// `done` runs on the executor, never after the writer is gone.
  BundleWriter(const boost::asio::any_io_executor& executor, BundleSettings settings, Done done);
  BundleWriter(const BundleWriter&) = delete;
  BundleWriter& operator=(const BundleWriter&) = delete;
  /// Does not wait for the disk: what waits in the queue is lost.
  ~BundleWriter();

  /// False when no directory is set.
  [[nodiscard]] bool enabled() const { return !settings_.directory.empty(); }

  /// For what is written from now on. Without a directory nothing is.
  void configure(BundleSettings settings);

  /// Queues `bundle` for `name` + kBundleSuffix in the directory.
  void submit(std::string name, Bundle bundle);

 private:
  struct Waiting;
  using Shared = Beside<Waiting>;
  static void work(const std::shared_ptr<Shared>& shared, const Done& done);

  BundleSettings settings_;
  Done done_;
  std::shared_ptr<Shared> shared_;  ///< outlives us in a thread that hangs
};

/// The directory as set, `${STATE_DIRECTORY}` at its start replaced by systemd's.
[[nodiscard]] std::string bundle_directory(const std::string& setting);

/// Removes the oldest bundles of incidents in `directory` beyond `keep`; files of other names stay.
void trim_bundles(const std::string& directory, std::uint32_t keep);

}  // namespace pghang
