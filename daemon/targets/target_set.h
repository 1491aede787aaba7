#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "config/settings.h"
#include "daemon/chronicle/signal_outcomes.h"
#include "daemon/targets/capture_desk.h"
#include "daemon/targets/process_port.h"
#include "daemon/targets/target_session.h"
#include "exporters/lifecycle.h"
#include "exporters/store/records.h"
#include "exporters/view.h"

namespace pghang {

class Chronicle;
class IncidentStore;

/// All servers that are watched: polls each of them, sends what they ask for to the capture desk
/// once it is known that their processes are of this host, and follows the configuration. Loop
/// thread only.
class TargetSet {
 public:
  /// References outlive it; `settings` are the current ones, apply() is called when they change.
  TargetSet(
      boost::asio::io_context& loop,
      const Settings& settings,
      View& view,
      Chronicle& chronicle,
      CaptureDesk& desk,
      ProcessPort& processes
  );
  TargetSet(const TargetSet&) = delete;
  TargetSet& operator=(const TargetSet&) = delete;
  ~TargetSet();

  /// Begins to poll.
  void start();
  /// Targets and rules after a reload. What stays keeps its connection, its sightings and its
  /// graces.
  void apply();

  /// Goes on with what the last daemon left in the store, and keeps there what a next one needs.
  /// `store` outlives this.
  void take_up(StoreContents contents, IncidentStore& store);
  /// It came too late for that: only budgets and breakers go on.
  void take_up_late(const StoreContents& contents);
  /// The store begins anew.
  void remember_all_again();

  /// The end of a job of the capture desk.
  void capture_done(
      const CaptureJob& job,
      Result<Capture> result,
      std::chrono::steady_clock::duration took
  );

  /// Stops all signals, or lets them go on.
  void pause(bool paused);
  /// Empty `target`, `rule`: all. `by`: who asks.
  LifecycleAnswer
  reset_breakers(const std::string& target, const std::string& rule, const std::string& by);

  /// The light looks at backends that were signalled. Serves until the loop ends.
  [[nodiscard]] boost::asio::awaitable<void> watch_signals();

 private:
  TargetSession& add(const Target& target);
  void retire(std::unique_ptr<TargetSession> session);
  /// Budgets and breakers of targets that are not configured now. Whether `row` is one, and counts.
  bool keep_for_return(const StoredEscalation& row);
  void start_polling(TargetSession& session);
  void publish_modes();
  boost::asio::awaitable<void> poll_forever(TargetSession& session);
  boost::asio::awaitable<void> look_at_processes_forever(TargetSession& session);

  // Null for one that is retired.
  [[nodiscard]] TargetSession* session_of(std::uint64_t number) const;
  [[nodiscard]] TargetSession* session_of(const std::string& target) const;

  void submit(std::uint64_t number, const escalation::CaptureOrder& order);
  void look(std::uint64_t number, const BackendKey& backend);
  void look_at(const SignalOutcomes::Look& look);
  void locate(TargetSession& session);
  void located(TargetSession& session, const Result<Glance>& seen);
  void connected(TargetSession& session, pid_t own_backend);

  boost::asio::io_context& loop_;
  const Settings& settings_;
  View& view_;
  Chronicle& chronicle_;
  CaptureDesk& desk_;
  ProcessPort& processes_;
  std::vector<std::unique_ptr<TargetSession>> targets_;
  std::vector<std::unique_ptr<TargetSession>> retiring_;  ///< until what is under way has ended
  std::uint64_t sessions_ = 0;
  bool paused_ = true;
  IncidentStore* store_ = nullptr;  ///< null: none is there, or not yet
  /// What targets that are not configured had spent, should they come back: by name.
  std::map<std::string, StoredEscalation> safeguards_left_;
  boost::asio::steady_timer looks_due_;
};

}  // namespace pghang
