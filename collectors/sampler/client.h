#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "collectors/evidence/capture.h"
#include "collectors/sampler/protocol.h"
#include "collectors/sampler/surveyor.h"
#include "config/result.h"
#include "config/settings.h"

namespace pghang::sampler {

/// Port: takes captures. Real: SamplerClient; tests: tests/fakes/fake_sampler.h.
class Sampler {
 public:
  Sampler() = default;
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;
  virtual ~Sampler() = default;

  /// One capture, prewarm or trace at a time; further calls fail with `busy`. Errors: timeout (the
  /// helper gave up on it), disconnected (the keeper is gone: the daemon must end),
  /// identity_changed, busy, refused, io (the worker or the capture child died of it), malformed. A
  /// process that does not exist is not an error: Capture::gone.
  [[nodiscard]] virtual boost::asio::awaitable<Result<Capture>>
  capture(CaptureRequest request, std::chrono::milliseconds deadline) = 0;

  /// Lets the worker parse the modules of this process (a postmaster) ahead of time. Errors: those
  /// of capture(), and not_found, permission_denied.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>>
  prewarm(PrewarmRequest request, std::chrono::milliseconds deadline) = 0;

  [[nodiscard]] virtual boost::asio::awaitable<Result<SamplerStats>> stats(
      std::chrono::milliseconds deadline
  ) = 0;

  /// A light look at a backend. Errors: those of capture(), and not_found where it could not be
  /// proven to be of this host.
  [[nodiscard]] virtual boost::asio::awaitable<Result<Glance>>
  glance(GlanceRequest request, std::chrono::milliseconds deadline) = 0;
};

/// The helper gets this much longer than the deadline to say that it gave up.
inline constexpr std::chrono::milliseconds kAnswerMargin{500};

/// Starts the keeper (`program` is the path of pghangd-sampler) by fork and exec and talks to it.
/// Destroying it ends the keeper and all that is below it, and waits at most 1 s for that.
class SamplerClient final : public Sampler, public Surveyor {
 public:
  /// Call it before the loop runs. The program inherits the standard descriptors and one end of the
  /// socket, nothing else, and no debuginfod server but those of `symbols`, whatever the
  /// environment says. Errors: not_found (no such program), permission_denied, io.
  [[nodiscard]] static Result<std::unique_ptr<SamplerClient>> start(
      const boost::asio::any_io_executor& executor,
      const std::string& program,
      const Symbols& symbols = {}
  );

  SamplerClient(const SamplerClient&) = delete;
  SamplerClient& operator=(const SamplerClient&) = delete;
  ~SamplerClient() override;

  [[nodiscard]] boost::asio::awaitable<Result<Capture>>
  capture(CaptureRequest request, std::chrono::milliseconds deadline) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>>
  prewarm(PrewarmRequest request, std::chrono::milliseconds deadline) override;
  [[nodiscard]] boost::asio::awaitable<Result<SamplerStats>> stats(
      std::chrono::milliseconds deadline
  ) override;
  [[nodiscard]] boost::asio::awaitable<Result<Glance>>
  glance(GlanceRequest request, std::chrono::milliseconds deadline) override;

  [[nodiscard]] boost::asio::awaitable<Result<ServerSurvey>>
  survey(SurveyRequest request, std::chrono::milliseconds deadline) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>>
  signal(SignalRequest request, std::chrono::milliseconds deadline) override;

  /// The system calls of a process over some time. Not part of the port: the daemon has no way to
  /// ask for it. Errors: those of capture(), and refused (its state; no way to trace it is left),
  /// not_found, permission_denied.
  [[nodiscard]] boost::asio::awaitable<Result<SyscallTrace>>
  trace(TraceRequest request, std::chrono::milliseconds deadline);

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
