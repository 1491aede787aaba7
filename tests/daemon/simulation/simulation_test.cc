#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/escalation/tracker.h"
#include "tests/daemon/simulation/crowd.h"
#include "tests/daemon/simulation/watcher.h"

/// A daemon over a server with thousands of sessions, for hours of their time.
namespace pghang::escalation::simulation {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::int64_t kMillisecond = 1'000;
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::size_t kSessions = 1'000;
constexpr auto kRun = hours(4);

Settings settings() {
  Settings settings = default_settings();
  settings.mode = Mode::enforce;
  Rule runaway;
  runaway.name = "runaway";
  runaway.match.state.include = {{.text = "active", .is_regex = false}};
  runaway.match.backend_type.include = {
      {.text = "client backend", .is_regex = false},
      {.text = "walsender", .is_regex = false}};
  runaway.match.query_age = minutes(2);
  runaway.action = RuleAction::terminate;
  runaway.cancel_grace = seconds(30);
  runaway.terminate_grace = seconds(60);
  Rule idle;
  idle.name = "idle";
  idle.match.state.include = {{.text = "idle in transaction", .is_regex = false}};
  idle.match.state_age = minutes(3);
  idle.for_ = seconds(20);
  idle.action = RuleAction::terminate;
  idle.terminate_grace = seconds(30);
  settings.rules = {runaway, idle};
  settings.budget = {
      .actions_per_minute = 8,
      .actions_per_hour = 150,
      .share_percent = 1,
      .unresponsive = 3};
  settings.breaker = {.jump = 25, .jump_percent = 1, .window = minutes(10), .quiet = minutes(8)};
  return settings;
}

/// A supervisor in miniature: polls, carries out, is paused and yields, as TargetMonitor does.
class Simulation {
 public:
  explicit Simulation(std::uint64_t seed)
      : crowd_(seed, kSessions),
        settings_(settings()),
        tracker_(settings_.mode, seconds(30), RuleMatcher(settings_.rules)),
        watcher_(settings_) {
    tracker_.safeguards().configure(settings_);
  }

  void run() {
    const TimePoint end = crowd_.now() + kRun;
    while (crowd_.now() < end && !::testing::Test::HasFailure()) {
      crowd_.advance(crowd_.dice().between(4 * kSecond, 8 * kSecond));
      disturb();
      if (crowd_.dice().chance(0.98)) poll();  // else it failed
    }
  }

  [[nodiscard]] const Seen& seen() const { return watcher_.seen(); }

 private:
  void disturb() {
    Dice& dice = crowd_.dice();
    if (dice.chance(0.002)) crowd_.storm(static_cast<std::size_t>(dice.between(5, 50)));
    if (dice.chance(paused_ ? 0.05 : 0.005)) pause(!paused_);
    if (dice.chance(yields_ ? 0.05 : 0.004)) {
      yields_ = !yields_;
      tracker_.safeguards().yield_to_other_daemon(yields_);
      watcher_.yields(yields_);
    }
    if (dice.chance(0.001)) {
      (void)tracker_.safeguards().reset_breakers("", crowd_.now());
      watcher_.breakers_reset(crowd_.now());
    }
    if (dice.chance(0.0005)) (void)tracker_.drop_all("failover", crowd_.now());
  }

  void pause(bool paused) {
    paused_ = paused;
    tracker_.safeguards().pause(paused);
    watcher_.paused(paused);
  }

  void poll() {
    const ActivitySnapshot snapshot = crowd_.poll();
    const TimePoint now = crowd_.now();
    const Orders orders = tracker_.observe(snapshot, now);
    watcher_.polled(snapshot, crowd_, tracker_, orders, now);
    for (const SignalOrder& order : orders.signals) {
      Dice& dice = crowd_.dice();
      crowd_.advance(dice.chance(0.2) ? dice.between(1, 40 * kSecond) : dice.between(1, 50'000));
      if (crowd_.dice().chance(0.01)) pause(!paused_);  // in the middle
      send(order);
    }
  }

  void send(const SignalOrder& order) {
    if (const auto restraint = tracker_.safeguards().restrains_all()) {
      watcher_.told(tracker_.signal_withheld(order.id, order.kind, *restraint, crowd_.now()));
      return;
    }
    watcher_.sent(order, crowd_.now());
    const Delivery delivery = crowd_.deliver(order.kind, order.guard);
    watcher_.delivered(order, delivery, crowd_.now());
    crowd_.advance(crowd_.dice().between(1, 20 * kMillisecond));
    const TimePoint now = crowd_.now();
    watcher_.answered(order, delivery.answer, now);
    watcher_.told(tracker_.signal_answered(order.id, order.kind, delivery.answer, "", now));
  }

  Crowd crowd_;
  Settings settings_;
  Tracker tracker_;
  Watcher watcher_;
  bool paused_ = false;
  bool yields_ = false;
};

class SimulatedHours : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(SimulatedHours, BreakNoPromise) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  Simulation simulation(GetParam());
  simulation.run();
  const Seen& seen = simulation.seen();
  std::cout << "seed " << GetParam() << ": " << seen.hits.at(SignalKind::cancel) << " cancels, "
            << seen.hits.at(SignalKind::terminate) << " terminates, " << seen.superseded
            << " superseded, breakers opened " << seen.breakers_opened << " and closed "
            << seen.breakers_closed << ", at most " << seen.most_unresponsive << " unresponsive;";
  for (const auto& [reason, count] : seen.suppressed)
    std::cout << ' ' << reason << ' ' << count;
  std::cout << '\n';
  EXPECT_GT(seen.hits.at(SignalKind::cancel), 50);
  EXPECT_GT(seen.hits.at(SignalKind::terminate), 20);
  EXPECT_GT(seen.superseded, 0);
  EXPECT_GT(seen.breakers_opened, 0);
  for (const char* reason :
       {"paused", "other_daemon", "breaker_open", "budget_minute", "budget_hour", "budget_share"})
    EXPECT_TRUE(seen.overcome.contains(reason)) << "nobody was signalled after " << reason;
  for (const char* reason :
       {"protected", "superuser", "sync_rep", "own_session", "replication", "parallel_worker"})
    EXPECT_TRUE(seen.suppressed.contains(reason)) << "the run never came to " << reason;
}

INSTANTIATE_TEST_SUITE_P(Seeds, SimulatedHours, ::testing::Values(1, 2, 3, 5, 8, 13));

}  // namespace
}  // namespace pghang::escalation::simulation
