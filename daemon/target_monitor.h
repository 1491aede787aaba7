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
#include "daemon/escalation_memory.h"
#include "daemon/lock_pacer.h"
#include "daemon/ports.h"

namespace pghang {

class Chronicle;
class IncidentStore;

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

  /// From now on the store knows all that a next daemon needs. `store` outlives us. `left_behind`:
  /// by the last daemon, for this target; the first poll that the server answers goes on with it.
  void remember_in(IncidentStore& store, std::vector<StoredEscalation> left_behind);
  /// The store begins anew: it is given everything again.
  void remember_all_again();

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
  /// Goes on with what the last daemon left behind, if this is the server it knew.
  void resume(const ServerInfo& server);
  void remember();
  /// A signal is written down before it is sent. While the disk does not answer it is sent all the
  /// same: a stuck server may be stuck on that very disk.
  [[nodiscard]] boost::asio::awaitable<void> write_down(const escalation::SignalOrder& order);
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
  IncidentStore* store_ = nullptr;
  std::optional<EscalationMemory> memory_;
  std::vector<StoredEscalation> left_behind_;
  std::optional<escalation::SightingId> sending_;  ///< whose signal is on its way
};

}  // namespace pghang
