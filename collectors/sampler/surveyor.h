#pragma once

#include <chrono>

#include <boost/asio/awaitable.hpp>

#include "collectors/evidence/server_survey.h"
#include "collectors/sampler/protocol.h"
#include "config/result.h"

namespace pghang::sampler {

/// Port: a server's processes without SQL. Real: SamplerClient; tests:
/// tests/fakes/fake_surveyor.h.
class Surveyor {
 public:
  Surveyor() = default;
  Surveyor(const Surveyor&) = delete;
  Surveyor& operator=(const Surveyor&) = delete;
  virtual ~Surveyor() = default;

  /// Not while a capture, prewarm, trace or another survey is under way. Errors: those of
  /// Sampler::capture(), not_found (no such postmaster), unsupported (it is none).
  [[nodiscard]] virtual boost::asio::awaitable<Result<ServerSurvey>>
  survey(SurveyRequest request, std::chrono::milliseconds deadline) = 0;

  /// SIGINT or SIGTERM to a backend's process group; at any time. Success means sent. Errors: those
  /// of signal_process() (process_signal.h): nothing was sent; timeout, disconnected: it may have
  /// been.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>>
  signal(SignalRequest request, std::chrono::milliseconds deadline) = 0;
};

}  // namespace pghang::sampler
