#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "collectors/evidence/capture.h"
#include "config/result.h"
#include "config/settings.h"
#include "daemon/escalation/process_history.h"
#include "daemon/escalation/process_watch.h"
#include "daemon/escalation/tracker.h"
#include "daemon/targets/enforcer_claim.h"
#include "daemon/targets/escalation_memory.h"
#include "daemon/targets/lock_pacer.h"
#include "daemon/targets/ports.h"
#include "daemon/targets/process_port.h"

namespace pghang {

class Chronicle;
class IncidentStore;

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

  /// From now on the server's processes are looked at when SQL does not work. It outlives this.
  void watch_processes_with(ProcessPort& processes) { processes_ = &processes; }

  /// One look at them, if it is due: at each call while SQL does not work or an incident of source
  /// os is open, else at every kQuietRounds-th, for the postmaster. Not while another one is under
  /// way.
  [[nodiscard]] boost::asio::awaitable<void> look_at_processes(ProcessScene scene);

  static constexpr unsigned kQuietRounds = 6;

  /// The connection of the backend `pid` (as the server counts) was given up after the latest poll.
  /// If that was because it did not answer, it is watched until it ends, whoever answers meanwhile.
  void connection_lost(pid_t pid);
  /// The end of a look that was submitted for a backend.
  void looked(const BackendKey& backend, const Result<Capture>& result);
  /// There will be no capture for this order: the server's processes are not of this host.
  void no_local_process(const escalation::CaptureOrder& order, const std::string& why);

  /// Ends every sighting and does nothing more, not even with what is under way: the target is no
  /// more.
  void retire(const std::string& why);

  /// New mode and rules after a reload.
  void reconfigure(const Settings& settings);

  /// From now on the store knows all that a next daemon needs. `store` outlives us. `left_behind`:
  /// by the last daemon, for this target; the first poll that the server answers goes on with it.
  void remember_in(IncidentStore& store, std::vector<StoredEscalation> left_behind);
  /// Of what the last daemon left behind and came too late to go on with (of any target), or an
  /// earlier monitor of this target: what the budget had spent counts, and which breaker was open
  /// is open.
  void go_on_with_safeguards(const std::vector<StoredEscalation>& left_behind);
  /// For a later monitor of this target.
  [[nodiscard]] StoredEscalation safeguards_left_behind() const;
  /// The store begins anew: it is given everything again.
  void remember_all_again();

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
  /// Goes on with what the last daemon left behind, if this is the server it knew.
  void resume(const ServerInfo& server);
  void remember();
  /// A signal is written down before it is sent. While the disk does not answer it is sent all the
  /// same: a stuck server may be stuck on that very disk.
  [[nodiscard]] boost::asio::awaitable<void> write_down(const escalation::SignalOrder& order);
  /// An order that was written down is not sent.
  void withhold(const escalation::SignalOrder& order, escalation::Restraint restraint);
  void answered(const escalation::SignalOrder& order, const SignalReply& reply);
  /// Finds out whether this daemon is the one that may signal.
  [[nodiscard]] boost::asio::awaitable<void> claim_enforcement();
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
  Settings settings_;                ///< the parts that a look at processes depends on
  std::optional<Error> poll_error_;  ///< of the latest poll
  std::uint64_t polls_ = 0;          ///< that ended, either way
  unsigned rounds_ = 0;
  ProcessKey postmaster_;  ///< as of the latest look; pid 0: none was seen
  pid_t postmaster_ns_pid_ = 0;
  pid_t not_here_ = 0;  ///< a backend that no process of this host is
  pid_t own_hung_ = 0;  ///< our backend that did not answer, as the server counts; 0: none
  std::int64_t own_hung_at_micros_ = 0;  ///< when that was, unix epoch
  bool locks_asked_ = false;             ///< in this poll, or left out by the pacer
  bool locks_are_new_ = false;           ///< locks_ was answered in this poll
  SubmitLook look_;
  escalation::ProcessHistory history_;
  bool retired_ = false;
  IncidentStore* store_ = nullptr;
  std::optional<EscalationMemory> memory_;
  std::vector<StoredEscalation> left_behind_;
  /// Whose signals are on their way: one by SQL, and one without it that SQL may have overtaken.
  std::set<escalation::SightingId> sending_;
  EnforcerLock* enforcer_lock_ = nullptr;
  EnforcerClaim claim_;
  std::int64_t timeline_ = 0;  ///< the latest that was known
};

}  // namespace pghang
