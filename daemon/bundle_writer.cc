#include "daemon/bundle_writer.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

namespace pghang {
namespace {

/// `20261122T151203Z-4711`, perhaps with a further `-2`.
bool names_an_incident(std::string_view stem) {
  constexpr std::string_view shape = "########T######Z-#";
  if (stem.size() < shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool digit = stem[i] >= '0' && stem[i] <= '9';
    if (shape[i] == '#' ? !digit : stem[i] != shape[i]) return false;
  }
  return true;
}

}  // namespace

struct BundleWriter::Shared {
  struct Job {
    std::string name;
    Bundle bundle;
  };

  std::mutex mutex;
  std::condition_variable wake_up;
  std::deque<Job> jobs;
  bool ended = false;
  boost::asio::any_io_executor executor;
  Done done;

  /// Does nothing once the writer is gone: then there is no loop to post to.
  void report(std::string result, std::string context) {
    const std::lock_guard lock(mutex);
    if (ended) return;
    boost::asio::post(
        executor,
        [done = done, result = std::move(result), context = std::move(context)] {
          done(result, context);
        }
    );
  }

  std::optional<Job> next() {
    std::unique_lock lock(mutex);
    wake_up.wait(lock, [this] { return ended || !jobs.empty(); });
    if (ended) return std::nullopt;
    Job job = std::move(jobs.front());
    jobs.pop_front();
    return job;
  }
};

BundleWriter::BundleWriter(
    const boost::asio::any_io_executor& executor,
    BundleSettings settings,
    Done done
)
    : settings_(std::move(settings)),
      shared_(std::make_shared<Shared>()) {
  shared_->executor = executor;
  shared_->done = std::move(done);
  if (!enabled()) return;
  // Not joined: a disk that hangs must not hang the end of the daemon. The thread owns all it uses.
  std::thread([shared = shared_, settings = settings_] {
    const std::string directory = bundle_directory(settings.directory);
    while (auto job = shared->next()) {
      const std::string path = directory + "/" + job->name + kBundleSuffix;
      const auto written = write_bundle(path, job->bundle);
      shared->report(written ? "written" : "failed", written ? path : written.error().context);
      if (written) trim_bundles(directory, settings.keep);
    }
  }).detach();
}

BundleWriter::~BundleWriter() {
  const std::lock_guard lock(shared_->mutex);
  shared_->ended = true;
  shared_->wake_up.notify_all();
}

void BundleWriter::submit(std::string name, Bundle bundle) {
  if (!enabled()) return;
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->jobs.size() < kMaxWaiting) {
      shared_->jobs.push_back({std::move(name), std::move(bundle)});
      shared_->wake_up.notify_one();
      return;
    }
  }
  shared_->report("dropped", name + ": " + std::to_string(kMaxWaiting) + " bundles wait already");
}

std::string bundle_directory(const std::string& setting) {
  constexpr std::string_view prefix = "${STATE_DIRECTORY}";
  if (!setting.starts_with(prefix)) return setting;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in this program changes the environment
  const char* folder = std::getenv("STATE_DIRECTORY");
  return (folder == nullptr ? "" : folder) + setting.substr(prefix.size());
}

void trim_bundles(const std::string& directory, std::uint32_t keep) {
  std::error_code error;
  std::vector<std::filesystem::path> bundles;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const auto& path = entry.path();
    if (path.extension() == kBundleSuffix && names_an_incident(path.stem().native())) {
      bundles.push_back(path);
    }
  }
  if (bundles.size() <= keep) return;
  std::ranges::sort(bundles);  // a name starts with its time
  bundles.resize(bundles.size() - keep);
  for (const auto& path : bundles)
    std::filesystem::remove(path, error);
}

}  // namespace pghang
