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
#include "daemon/escalation/tracker.h"
#include "daemon/lock_pacer.h"
#include "daemon/ports.h"

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

  /// There will be no capture for this order: the server's processes are not of this host.
  void no_local_process(const escalation::CaptureOrder& order, const std::string& why);

  /// Ends every sighting and does nothing more, not even with what is under way: the target is no
  /// more.
  void retire(const std::string& why);

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
  bool retired_ = false;
};

}  // namespace pghang
