#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>

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
  std::uint64_t session =
      0;  ///< of the target's connection; a target may be another one after a reload
};

/// One cheap look at a backend's process, for a rule that asks how it fares.
struct LookJob {
  std::uint64_t session = 0;  ///< CaptureJob::session
  BackendKey backend;
  pid_t server_process = 0;  ///< CaptureRequest::server_process
};

/// Takes captures one after the other, beside the polls, so that a capture that hangs delays none.
/// What they need (where a server's processes are) goes before them, everything else after them.
class CaptureDesk {
 public:
  using Done = std::function<
      void(const CaptureJob&, Result<Capture>, std::chrono::steady_clock::duration took)>;

  /// At most this many jobs wait; a further one fails with `busy` at once.
  static constexpr std::size_t kMaxWaiting = 64;
  /// The same for glances.
  static constexpr std::size_t kMaxGlances = 32;
  /// A glance takes 1 ms; one that takes longer must not keep a capture waiting.
  static constexpr std::chrono::milliseconds kGlanceDeadline{500};

  using GlanceDone = std::function<void(Result<Glance>)>;

  CaptureDesk(
      const boost::asio::any_io_executor& executor,
      sampler::Sampler& sampler,
      Sampling sampling,
      Done done
  );

  void submit(CaptureJob job);

  using Looked = std::function<void(const LookJob&, Result<Capture>)>;

  /// At most this many looks wait; further ones are left out, and so is a second one at the same
  /// backend: polls ask again.
  static constexpr std::size_t kMaxLooks = 100;
  /// The helper gives up on a look after this.
  static constexpr std::chrono::milliseconds kLookDeadline{500};

  /// Who is told what a look has seen.
  void tell_looks_to(Looked looked) { looked_ = std::move(looked); }

  /// One sample of the process (CaptureRequest::samples_only), when no capture waits.
  void look(LookJob job);
  /// Lets the helper parse this process's modules ahead of time, when no capture waits.
  void prewarm(sampler::PrewarmRequest request);

  using Surveyed = std::function<void(Result<ServerSurvey>)>;
  /// A look at a server's processes, before all captures. `surveyor` outlives it.
  void survey(sampler::Surveyor& surveyor, sampler::SurveyRequest request, Surveyed done);

  /// A look that captures wait for: where a server is.
  void locate(sampler::GlanceRequest request, GlanceDone done);
  /// A light look, taken when no capture waits.
  void glance(sampler::GlanceRequest request, GlanceDone done);

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

  struct GlanceJob {
    sampler::GlanceRequest request;
    GlanceDone done;
  };

  [[nodiscard]] boost::asio::awaitable<void> serve_one();
  [[nodiscard]] boost::asio::awaitable<void> serve_survey();
  [[nodiscard]] boost::asio::awaitable<void> serve_capture();
  [[nodiscard]] boost::asio::awaitable<void> serve_look();
  [[nodiscard]] boost::asio::awaitable<void>
  serve_glance(GlanceJob job, std::chrono::milliseconds deadline);
  [[nodiscard]] bool idle() const;

  sampler::Sampler& sampler_;
  Sampling sampling_;
  Done done_;
  bool keep_snapshots_ = false;
  std::deque<GlanceJob> to_locate_;
  std::deque<CaptureJob> waiting_;
  std::deque<SurveyJob> to_survey_;
  std::deque<LookJob> looks_;
  Looked looked_;
  std::deque<GlanceJob> to_glance_;
  std::deque<sampler::PrewarmRequest> to_prewarm_;
  boost::asio::steady_timer wake_up_;  ///< never expires; cancelled when a job arrives
};

/// The request for one process of this host, as the settings say.
[[nodiscard]] sampler::CaptureRequest capture_request(const Sampling& sampling, pid_t pid);

}  // namespace pghang
