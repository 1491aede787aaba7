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
#include "daemon/escalation/process_history.h"
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
  using SubmitLook = std::function<void(const BackendKey&)>;

  /// References outlive it. `submit` hands a capture to the desk and returns at once, `look` does
  /// so with a cheap look at one process (left out: nobody looks, so nothing is known).
  TargetMonitor(
      std::string target,
      const Settings& settings,
      ActivitySource& activity,
      Signaller& signaller,
      LockSource& locks,
      Chronicle& chronicle,
      SubmitCapture submit,
      SubmitLook look = {}
  );

  /// One poll and everything that follows from it. Returns whether the server answered.
  [[nodiscard]] boost::asio::awaitable<bool> poll_once();

  /// The end of a capture that was submitted for a sighting.
  void capture_done(
      const escalation::CaptureOrder& order,
      Result<Capture> result,
      std::chrono::steady_clock::duration took
  );

  /// The end of a look that was submitted for a backend.
  void looked(const BackendKey& backend, const Result<Capture>& result);

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
  /// What rules ask for beyond the poll, of those backends for which all else holds: asks for locks
  /// at once, and orders looks at processes whose results later polls will have.
  [[nodiscard]] boost::asio::awaitable<escalation::FactTable> find_facts(
      const ActivitySnapshot& snapshot
  );
  /// Asks, once in a poll at most and only where the pacer lets it.
  [[nodiscard]] boost::asio::awaitable<void> ask_for_locks(std::vector<pid_t> first);
  [[nodiscard]] std::vector<pid_t> matched() const;
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
  bool locks_asked_ = false;    ///< in this poll, or left out by the pacer
  bool locks_are_new_ = false;  ///< locks_ was answered in this poll
  SubmitLook look_;
  escalation::ProcessHistory history_;
};

}  // namespace pghang
