#include "daemon/controls/pause_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include <boost/asio/post.hpp>

#include "config/unique_fd.h"
#include "daemon/service/service_folder.h"

namespace pghang {
namespace {

constexpr std::size_t kMostBytes = 4096;

Error failure(const std::string& path, int number) {
  const bool denied = number == EACCES || number == EPERM || number == EROFS;
  return {denied ? Errc::permission_denied : Errc::io, path + ": " + std::strerror(number)};
}

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/') + 1);
}

/// The name is on the disk only when its folder is.
Result<void> sync_folder(const std::string& path) {
  const std::string folder = folder_of(path);
  const UniqueFd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) return failure(folder, errno);
  return {};
}

Result<void> write_new(const std::string& path, const std::string& text) {
  const UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)
  );
  if (file.get() < 0) return failure(path, errno);
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  if (written < 0) return failure(path, errno);
  if (static_cast<std::size_t>(written) != text.size()) return failure(path, ENOSPC);
  if (::fsync(file.get()) != 0) return failure(path, errno);
  return {};
}

}  // namespace

Result<std::optional<Pause>> read_pause(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    if (errno == ENOENT) return std::optional<Pause>();
    return failure(path, errno);
  }
  std::array<char, kMostBytes> buffer{};
  const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
  if (size < 0) return failure(path, errno);
  Result<Pause> pause = parse_pause({buffer.data(), static_cast<std::size_t>(size)});
  if (!pause) return Error{pause.error().code, path + ": " + pause.error().context};
  return std::optional<Pause>(*std::move(pause));
}

Result<void> write_pause(const std::string& path, const std::optional<Pause>& pause) {
  if (!pause) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failure(path, errno);
    return sync_folder(path);
  }
  const std::string made = path + ".new";
  if (auto written = write_new(made, pause_text(*pause)); !written) return written;
  if (std::rename(made.c_str(), path.c_str()) != 0) return failure(path, errno);
  return sync_folder(path);
}

std::string pause_path() {
  const std::string folder = service_folder("STATE_DIRECTORY");
  return folder.empty() ? "" : folder + "/pause";
}

struct PauseFile::Shared {
  using Job = std::function<std::function<void()>()>;  ///< blocks; gives what to tell on the loop

  std::mutex mutex;
  std::condition_variable wake_up;
  std::deque<Job> jobs;
  bool ended = false;
  boost::asio::any_io_executor executor;
  std::string path;

  bool add(Job job) {
    const std::lock_guard lock(mutex);
    if (jobs.size() >= kMaxWaiting) return false;
    jobs.push_back(std::move(job));
    wake_up.notify_one();
    return true;
  }

  std::optional<Job> next() {
    std::unique_lock lock(mutex);
    wake_up.wait(lock, [this] { return ended || !jobs.empty(); });
    if (ended) return std::nullopt;
    Job job = std::move(jobs.front());
    jobs.pop_front();
    return job;
  }

  void tell(std::function<void()> what) {
    const std::lock_guard lock(mutex);
    if (!ended) boost::asio::post(executor, std::move(what));
  }
};

PauseFile::PauseFile(const boost::asio::any_io_executor& executor, std::string path)
    : shared_(std::make_shared<Shared>()) {
  shared_->executor = executor;
  shared_->path = std::move(path);
  // Not joined: a disk that hangs must not hang the end of the daemon. The thread owns all it uses.
  std::thread([shared = shared_] {
    while (auto job = shared->next())
      shared->tell((*job)());
  }).detach();
}

PauseFile::~PauseFile() {
  const std::lock_guard lock(shared_->mutex);
  shared_->ended = true;
  shared_->wake_up.notify_all();
}

void PauseFile::load(Loaded done) {
  (void)shared_->add([path = shared_->path, done = std::move(done)]() -> std::function<void()> {
    return [result = read_pause(path), done] {
      done(result);
    };
  });
}

void PauseFile::save(const std::optional<Pause>& pause, Saved done) {
  const bool queued = shared_->add([path = shared_->path, pause, done]() -> std::function<void()> {
    return [result = write_pause(path, pause), done] {
      done(result);
    };
  });
  if (queued) return;
  const Error busy{Errc::busy, shared_->path + ": the disk does not take earlier changes"};
  shared_->tell([done = std::move(done), busy] { done(busy); });
}

}  // namespace pghang
