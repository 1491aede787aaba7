#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "collectors/process/parsers.h"
#include "collectors/sampler/client.h"

/// What the tests with real processes share.
namespace pghang::sampler::testing {

/// The programs that are built beside these tests.
[[nodiscard]] std::string sampler_program();
[[nodiscard]] std::string hooked_program();
[[nodiscard]] std::string fake_backend_program();

/// Waits until the world is as asked; false after `limit`.
[[nodiscard]] bool eventually(
    const std::function<bool()>& holds,
    std::chrono::milliseconds limit = std::chrono::seconds(10)
);

/// Runs the loop until the coroutine has ended.
template <typename T>
T run(boost::asio::io_context& loop, boost::asio::awaitable<T> work) {
  std::optional<T> result;
  boost::asio::co_spawn(loop, std::move(work), [&](const std::exception_ptr&, T value) {
    result.emplace(std::move(value));
  });
  loop.restart();
  loop.run();
  return *std::move(result);
}

/// A temporary folder that everybody may read.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

  /// Copies a program here, for users who may not enter the build folder.
  [[nodiscard]] std::string copy(const std::string& program) const;

 private:
  std::string path_;
};

/// Environment variables for the programs started while it lives.
class Environment {
 public:
  explicit Environment(std::vector<std::pair<std::string, std::string>> variables);
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment();

 private:
  std::vector<std::pair<std::string, std::string>> variables_;
};

/// fake_backend, killed and reaped with this.
class Target {
 public:
  /// `mode`: sleep, spin, wake, calls, chatter, cluster (as a postmaster, fake_backend.cc says of
  /// whom), or the path of a file to create on a frozen file system. Waits until it is there.
  /// `uid` 0: as this process.
  explicit Target(
      const std::string& mode,
      const std::string& program = fake_backend_program(),
      uid_t uid = 0
  );
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
  ~Target();

  [[nodiscard]] pid_t pid() const { return pid_; }

  [[nodiscard]] ProcStat stat() const;
  [[nodiscard]] ProcStatus status() const;
  void signal(int number) const;
  /// It is on CPU, nobody traces it, and its clock of CPU time advances.
  [[nodiscard]] bool runs_on() const;

 private:
  [[nodiscard]] std::uint64_t cpu_nanos() const;

  pid_t pid_ = 0;
};

/// No such process, or a zombie that nobody has reaped yet.
[[nodiscard]] bool ended(pid_t pid);

/// A loop and a client on it.
class Helper {
 public:
  explicit Helper(const std::string& program = sampler_program());

  [[nodiscard]] Result<Capture> capture(
      const CaptureRequest& request,
      std::chrono::milliseconds deadline = std::chrono::seconds(10)
  );
  [[nodiscard]] SamplerStats stats();

  [[nodiscard]] SamplerClient& client() { return *client_; }

  [[nodiscard]] boost::asio::io_context& loop() { return loop_; }

 private:
  boost::asio::io_context loop_;
  std::unique_ptr<SamplerClient> client_;
};

}  // namespace pghang::sampler::testing
