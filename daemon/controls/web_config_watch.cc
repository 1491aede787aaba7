#include "daemon/controls/web_config_watch.h"

#include <sys/stat.h>

#include <ctime>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <boost/asio/post.hpp>

namespace pghang {
namespace {

FileMark mark_of(const std::string& file) {
  struct stat status {};

  if (::stat(file.c_str(), &status) != 0) return {};
  return {
      .there = true,
      .device = status.st_dev,
      .inode = status.st_ino,
      .size = status.st_size,
      .modified_nanos = status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec};
}

std::vector<FileMark> marks_of(const std::vector<std::string>& files) {
  std::vector<FileMark> marks;
  for (const std::string& file : files)
    marks.push_back(mark_of(file));
  return marks;
}

}  // namespace

WebConfigReading read_web_config(const std::string& path) {
  WebConfigReading reading;
  std::vector<std::string> files{path};
  // Which files it names is known when it was read; their marks are from before they were.
  for (int round = 0; round < 2; ++round) {
    reading.marks = marks_of(files);
    reading.loaded = load_web_access(path, std::time(nullptr));
    if (reading.loaded.access.files == files) break;
    files = reading.loaded.access.files;
  }
  return reading;
}

struct WebConfigWatch::Shared {
  std::mutex mutex;
  bool busy = false;
  /// Empty once the watch is gone: then there is no loop to post to.
  std::optional<boost::asio::any_io_executor> executor;
  std::string path;
  Done done;
  /// Of the last reading; only for whoever is busy.
  std::vector<std::string> files;
  std::vector<FileMark> marks;
  bool had_problems = false;

  void remember(const WebConfigReading& reading) {
    files = reading.loaded.access.files;
    marks = reading.marks;
    had_problems = !reading.loaded.ok();
  }
};

WebConfigWatch::WebConfigWatch(
    boost::asio::any_io_executor executor,
    std::string path,
    Duration interval,
    Done done
)
    : shared_(std::make_shared<Shared>()),
      timer_(executor),
      interval_(interval) {
  shared_->executor = std::move(executor);
  shared_->path = std::move(path);
  shared_->done = std::move(done);
}

WebConfigWatch::~WebConfigWatch() {
  const std::lock_guard lock(shared_->mutex);
  shared_->executor.reset();
}

void WebConfigWatch::start(const WebConfigReading& first) {
  shared_->remember(first);
  wait();
}

void WebConfigWatch::wait() {
  timer_.expires_after(interval_);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    static_cast<void>(read(false));
    wait();
  });
}

bool WebConfigWatch::read_now() {
  return read(true);
}

bool WebConfigWatch::read(bool whatever) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (std::exchange(shared_->busy, true)) return false;
  }
  // Not joined: a read that hangs must not hang the end of the daemon. The thread owns all it uses.
  std::thread([shared = shared_, whatever] {
    std::optional<WebConfigReading> reading;
    if (whatever || shared->had_problems || marks_of(shared->files) != shared->marks)
      reading = read_web_config(shared->path);
    if (reading) shared->remember(*reading);
    const std::lock_guard lock(shared->mutex);
    shared->busy = false;
    if (!reading || !shared->executor) return;
    boost::asio::post(*shared->executor, [shared, loaded = std::move(reading->loaded)]() mutable {
      const bool gone = !shared->executor;  // reset on this thread
      if (!gone) shared->done(std::move(loaded));
    });
  }).detach();
  return true;
}

}  // namespace pghang
