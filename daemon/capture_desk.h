#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "collectors/evidence/capture.h"
#include "collectors/sampler/client.h"
#include "config/settings.h"
#include "daemon/escalation/tracker.h"

namespace pghang {

/// One capture to be taken for a sighting.
struct CaptureJob {
  std::string target;
  escalation::CaptureOrder order;
  pid_t server_process = 0;  ///< CaptureRequest::server_process
};

/// Takes captures one after the other, beside the polls, so that a capture that hangs delays none.
class CaptureDesk {
 public:
  using Done = std::function<
      void(const CaptureJob&, Result<Capture>, std::chrono::steady_clock::duration took)>;

  /// At most this many jobs wait; a further one fails with `busy` at once.
  static constexpr std::size_t kMaxWaiting = 64;

  CaptureDesk(
      const boost::asio::any_io_executor& executor,
      sampler::Sampler& sampler,
      Sampling sampling,
      Done done
  );

  void submit(CaptureJob job);
  /// Lets the helper parse this process's modules ahead of time, when no capture waits.
  void prewarm(sampler::PrewarmRequest request);

  using Surveyed = std::function<void(Result<ServerSurvey>)>;
  /// A look at a server's processes, before all captures. `surveyor` outlives it.
  void survey(sampler::Surveyor& surveyor, sampler::SurveyRequest request, Surveyed done);

  void configure(Sampling sampling) { sampling_ = sampling; }

  /// Whether captures bring the memory of the stack (Capture::snapshot).
  void keep_snapshots(bool keep) { keep_snapshots_ = keep; }

  /// Serves until the loop ends.
  [[nodiscard]] boost::asio::awaitable<void> run();

 private:
  struct SurveyJob {
    sampler::Surveyor* surveyor;
    sampler::SurveyRequest request;
    Surveyed done;
  };

  [[nodiscard]] boost::asio::awaitable<void> serve_one();
  [[nodiscard]] boost::asio::awaitable<void> serve_survey();

  sampler::Sampler& sampler_;
  Sampling sampling_;
  Done done_;
  bool keep_snapshots_ = false;
  std::deque<CaptureJob> waiting_;
  std::deque<SurveyJob> to_survey_;
  std::deque<sampler::PrewarmRequest> to_prewarm_;
  boost::asio::steady_timer wake_up_;  ///< never expires; cancelled when a job arrives
};

/// The request for one process of this host, as the settings say.
[[nodiscard]] sampler::CaptureRequest capture_request(const Sampling& sampling, pid_t pid);

}  // namespace pghang
