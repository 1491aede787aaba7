#include "daemon/controls/config_reloader.h"

#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

namespace pghang {

struct ConfigReloader::Shared {
  std::mutex mutex;
  bool busy = false;
  /// Empty once the reloader is gone: then there is no loop to post to.
  std::optional<boost::asio::any_io_executor> executor;
};

ConfigReloader::ConfigReloader(boost::asio::any_io_executor executor, std::string path)
    : shared_(std::make_shared<Shared>()),
      path_(std::move(path)) {
  shared_->executor = std::move(executor);
}

ConfigReloader::~ConfigReloader() {
  const std::lock_guard lock(shared_->mutex);
  shared_->executor.reset();
}

bool ConfigReloader::start(std::function<void(Configuration)> done) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (std::exchange(shared_->busy, true)) return false;
  }
  // Not joined: a read that hangs must not hang the end of the daemon. The thread owns all it uses.
  std::thread([shared = shared_, path = path_, done = std::move(done)]() mutable {
    Configuration loaded = load_configuration(path);
    const std::lock_guard lock(shared->mutex);
    shared->busy = false;
    if (!shared->executor) return;
    boost::asio::post(
        *shared->executor,
        [done = std::move(done), loaded = std::move(loaded)]() mutable { done(std::move(loaded)); }
    );
  }).detach();
  return true;
}

}  // namespace pghang
