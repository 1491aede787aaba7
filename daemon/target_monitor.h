#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "collectors/evidence/capture.h"
#include "config/result.h"
#include "config/settings.h"
#include "daemon/escalation/process_watch.h"
#include "daemon/escalation/tracker.h"
#include "daemon/lock_pacer.h"
#include "daemon/ports.h"
#include "daemon/process_port.h"

namespace pghang {

class Chronicle;

/// The escalation of one server: polls, lets the tracker decide, carries its orders out in
/// sequence. The thin shell around daemon/escalation.
class TargetMonitor {
 public:
  using SubmitCapture = std::function<void(const escalation::CaptureOrder&)>;

  /// References outlive it. `submit` hands a capture to the desk and returns at once.
  TargetMonitor(
      std::string target,
      const Settings& settings,
      ActivitySource& activity,
      Signaller& signaller,
      LockSource& locks,
      Chronicle& chronicle,
      SubmitCapture submit
  );

  /// One poll and everything that follows from it. Returns whether the server answered.
  [[nodiscard]] boost::asio::awaitable<bool> poll_once();

  /// The end of a capture that was submitted for a sighting.
  void capture_done(
      const escalation::CaptureOrder& order,
      Result<Capture> result,
      std::chrono::steady_clock::duration took
  );

  /// From now on the server's processes are looked at when SQL does not work. It outlives this.
  void watch_processes_with(ProcessPort& processes) { processes_ = &processes; }

  /// One look at them, if it is due: at each call while SQL does not work or an incident of source os
  /// is open, else at every kQuietRounds-th, for the postmaster. Not while another one is under way.
  [[nodiscard]] boost::asio::awaitable<void> look_at_processes(ProcessScene scene);

  static constexpr unsigned kQuietRounds = 6;

  /// The connection of the backend `pid` (as the server counts) was given up after the latest poll.
  /// If that was because it did not answer, it is watched until it ends, whoever answers meanwhile.
  void connection_lost(pid_t pid);

  /// New mode and rules after a reload.
  void reconfigure(const Settings& settings);

  [[nodiscard]] const std::string& target() const { return target_; }

 private:
  using TimePoint = escalation::TimePoint;

  /// Tells of the changes, queues the captures, sends the signals and what follows from the
  /// answers.
  [[nodiscard]] boost::asio::awaitable<void> carry_out(escalation::Orders orders);
  /// The part of it that needs no server.
  void tell(const escalation::Orders& orders);
  /// Asks who waits for whom, while a rule has matched somebody and as often as that is cheap.
  [[nodiscard]] boost::asio::awaitable<void> look_at_waits();
  void drop_on_failover(const ServerInfo& server);
  [[nodiscard]] Evidence evidence_for(const escalation::SightingState& sighting, Capture capture)
      const;
  [[nodiscard]] sampler::SurveyRequest survey_request(const ProcessScene& scene) const;
  [[nodiscard]] boost::asio::awaitable<void>
  carry_out_by_process(escalation::Orders orders, const ServerSurvey& survey);
  [[nodiscard]] escalation::WatchTerms watch_terms() const;
  [[nodiscard]] escalation::WatchScene watch_scene() const;
  /// The end of a capture for a sighting of the watch.
  void process_captured(
      const escalation::CaptureOrder& order,
      Result<Capture> result,
      std::chrono::steady_clock::duration took
  );

  std::string target_;
  ActivitySource& activity_;
  Signaller& signaller_;
  LockSource& lock_source_;
  Chronicle& chronicle_;
  SubmitCapture submit_;
  escalation::Tracker tracker_;
  std::optional<ServerInfo> server_;
  std::vector<Activity> sessions_;  ///< of the latest poll
  std::optional<LockSnapshot> locks_;
  LockPacer pacer_;
  ProcessPort* processes_ = nullptr;
  escalation::ProcessWatch watch_;
  Settings settings_;  ///< the parts that a look at processes depends on
  std::optional<Error> poll_error_;  ///< of the latest poll
  std::uint64_t polls_ = 0;          ///< that ended, either way
  unsigned rounds_ = 0;
  ProcessKey postmaster_;            ///< as of the latest look; pid 0: none was seen
  pid_t postmaster_ns_pid_ = 0;
  pid_t not_here_ = 0;  ///< a backend that no process of this host is
  pid_t own_hung_ = 0;  ///< our backend that did not answer, as the server counts; 0: none
  std::int64_t own_hung_at_micros_ = 0;  ///< when that was, unix epoch
};

}  // namespace pghang
