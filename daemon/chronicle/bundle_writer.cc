#include "daemon/chronicle/bundle_writer.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/service/service_folder.h"

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

struct BundleWriter::Waiting {
  struct Job {
    std::string name;
    Bundle bundle;
  };

  std::deque<Job> jobs;
  BundleSettings settings;
  bool started = false;  ///< the thread
};

void BundleWriter::work(const std::shared_ptr<Shared>& shared, const Done& done) {
  struct Next {
    Waiting::Job job;
    BundleSettings settings;
  };

  const auto there_is = [](const Waiting& waiting) {
    return !waiting.jobs.empty();
  };
  const auto take = [](Waiting& waiting) {
    Next next{std::move(waiting.jobs.front()), waiting.settings};
    waiting.jobs.pop_front();
    return next;
  };
  while (const auto next = shared->wait(there_is, std::nullopt, take)) {
    const std::string directory = bundle_directory(next->settings.directory);
    const std::string path = directory + "/" + next->job.name + kBundleSuffix;
    const auto written = write_bundle(path, next->job.bundle);
    shared->post([done, ok = written.has_value(), path = written ? path : written.error().context] {
      done(ok ? "written" : "failed", path);
    });
    if (written) trim_bundles(directory, next->settings.keep);
  }
}

BundleWriter::BundleWriter(
    const boost::asio::any_io_executor& executor,
    BundleSettings settings,
    Done done
)
    : done_(std::move(done)),
      shared_(std::make_shared<Shared>(executor)) {
  configure(std::move(settings));
}

BundleWriter::~BundleWriter() {
  shared_->end();
}

void BundleWriter::configure(BundleSettings settings) {
  settings_ = std::move(settings);
  const bool start = shared_->change([this](Waiting& waiting) {
    waiting.settings = settings_;
    return enabled() && !std::exchange(waiting.started, waiting.started || enabled());
  });
  if (start) std::thread([shared = shared_, done = done_] { work(shared, done); }).detach();
}

void BundleWriter::submit(std::string name, Bundle bundle) {
  if (!enabled()) return;
  const bool queued = shared_->change([&](Waiting& waiting) {
    if (waiting.jobs.size() >= kMaxWaiting) return false;
    waiting.jobs.push_back({name, std::move(bundle)});
    return true;
  });
  if (queued) return;
  const std::string why = name + ": " + std::to_string(kMaxWaiting) + " bundles wait already";
  shared_->post([done = done_, why] { done("dropped", why); });
}

std::string bundle_directory(const std::string& setting) {
  constexpr std::string_view prefix = "${STATE_DIRECTORY}";
  if (!setting.starts_with(prefix)) return setting;
  return service_folder("STATE_DIRECTORY") + setting.substr(prefix.size());
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
