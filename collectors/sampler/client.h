#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "collectors/evidence/capture.h"
#include "collectors/sampler/protocol.h"
#include "config/result.h"

namespace pghang::sampler {

/// Port: takes captures. Real: SamplerClient; tests: tests/fakes/fake_sampler.h.
class Sampler {
 public:
  Sampler() = default;
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;
  virtual ~Sampler() = default;

  /// One capture at a time; further calls fail with `busy`. Errors: timeout (the helper gave up on
  /// it), disconnected (the keeper is gone: the daemon must end), identity_changed, busy, refused.
  /// A process that does not exist is not an error: Capture::gone.
  [[nodiscard]] virtual boost::asio::awaitable<Result<Capture>>
  capture(CaptureRequest request, std::chrono::milliseconds deadline) = 0;

  /// Lets the worker parse the modules of this process (a postmaster) ahead of time.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>>
  prewarm(pid_t pid, std::chrono::milliseconds deadline) = 0;

  [[nodiscard]] virtual boost::asio::awaitable<Result<SamplerStats>> stats(
      std::chrono::milliseconds deadline
  ) = 0;
};

/// Starts the keeper (`program` is the path of pghangd-sampler) by fork and exec and talks to it.
class SamplerClient final : public Sampler {
 public:
  /// Errors: not_found (no such program), io.
  [[nodiscard]] static Result<std::unique_ptr<SamplerClient>>
  start(boost::asio::any_io_executor executor, const std::string& program);

  ~SamplerClient() override;

  [[nodiscard]] boost::asio::awaitable<Result<Capture>>
  capture(CaptureRequest request, std::chrono::milliseconds deadline) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>>
  prewarm(pid_t pid, std::chrono::milliseconds deadline) override;
  [[nodiscard]] boost::asio::awaitable<Result<SamplerStats>> stats(
      std::chrono::milliseconds deadline
  ) override;

  [[nodiscard]] pid_t keeper_pid() const;

  /// Completes when the keeper has ended (its pidfd became readable); then the daemon exits
  /// non-zero.
  [[nodiscard]] boost::asio::awaitable<void> wait_keeper_exit();

 private:
  struct Impl;
  explicit SamplerClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pghang::sampler
