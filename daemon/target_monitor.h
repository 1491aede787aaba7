#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "collectors/evidence/capture.h"
#include "config/result.h"
#include "config/settings.h"
#include "daemon/enforcer_claim.h"
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

  /// New mode and rules after a reload.
  void reconfigure(const Settings& settings);

  /// Other daemons may watch this server: signal only while `lock` is ours. It outlives this.
  void share_with_others(EnforcerLock& lock) { enforcer_lock_ = &lock; }

  /// Stops all signals, also one that is ordered and not sent yet; or lets them go on.
  void pause(bool paused) { tracker_.safeguards().pause(paused); }

  /// Closes the breakers of this rule (empty: of all). The rules whose breakers were open.
  std::vector<std::string> reset_breakers(const std::string& rule);

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
  /// Finds out whether this daemon is the one that may signal.
  [[nodiscard]] boost::asio::awaitable<void> claim_enforcement();
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
  Mode mode_;
  EnforcerLock* enforcer_lock_ = nullptr;
  EnforcerClaim claim_;
  std::int64_t timeline_ = 0;  ///< the latest that was known
};

}  // namespace pghang
