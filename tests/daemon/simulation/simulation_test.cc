#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <utility>
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
constexpr std::int64_t kMinute = 60 * kSecond;
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

/// Where the daemon dies.
enum class Death { between_polls, before_intent, before_signal, before_answer };

/// A supervisor in miniature: polls, carries out, is paused and yields, dies and goes on, as
/// TargetMonitor with its store does.
class Simulation {
 public:
  /// `mortality`: how often the daemon dies, beside the usual.
  Simulation(std::uint64_t seed, Settings settings, double mortality)
      : crowd_(seed, kSessions),
        settings_(std::move(settings)),
        mortality_(mortality),
        tracker_(new_tracker()),
        watcher_(settings_) {}

  void run() {
    const TimePoint end = crowd_.now() + kRun;
    while (crowd_.now() < end && !::testing::Test::HasFailure()) {
      crowd_.advance(crowd_.dice().between(4 * kSecond, 8 * kSecond));
      disturb();
      if (crowd_.dice().chance(0.98)) poll();  // else it failed
    }
  }

  [[nodiscard]] const Seen& seen() const { return watcher_.seen(); }

  [[nodiscard]] const std::map<Death, int>& deaths() const { return deaths_; }

 private:
  /// What the store has.
  struct Disk {
    std::vector<SavedSighting> sightings;
    SavedSafeguards safeguards;
  };

  [[nodiscard]] Tracker new_tracker() const {
    Tracker tracker(settings_.mode, seconds(30), RuleMatcher(settings_.rules));
    tracker.safeguards().configure(settings_);
    tracker.safeguards().pause(paused_);
    tracker.safeguards().yield_to_other_daemon(yields_);
    return tracker;
  }

  /// As EscalationMemory::keep() does.
  void remember(std::optional<SightingId> sending = std::nullopt) {
    disk_.sightings = tracker_.saved();
    for (SavedSighting& saved : disk_.sightings) {
      if (saved.id != sending) saved.machine.under_way.reset();
    }
    SavedSafeguards safeguards = tracker_.safeguards().saved(crowd_.now());
    if (!same_but_for_times(safeguards, disk_.safeguards)) disk_.safeguards = std::move(safeguards);
  }

  static bool same_but_for_times(const SavedSafeguards& one, SavedSafeguards other) {
    if (one.breakers.size() != other.breakers.size()) return false;
    for (std::size_t i = 0; i < one.breakers.size(); ++i) {
      const auto& past = one.breakers[i].past;
      if (past.size() != other.breakers[i].past.size()) return false;
      for (std::size_t j = 0; j < past.size(); ++j)
        other.breakers[i].past[j].at = past[j].at;
    }
    return one == other;
  }

  bool dies(Death death, double chance, std::optional<SightingId> sending = std::nullopt) {
    Dice& dice = crowd_.dice();
    if (!dice.chance(chance * mortality_)) return false;
    ++deaths_[death];
    if (dice.chance(0.5)) crowd_.advance(dice.between(1, 2 * kMinute));
    if (dice.chance(0.02)) crowd_.advance(dice.between(1, 70 * kMinute));
    const bool same_boot = dice.chance(0.9);  // the server may be on another host
    tracker_ = new_tracker();
    const TimePoint now = crowd_.now();
    (void)tracker_.safeguards().resume(disk_.safeguards, same_boot, now);
    const Orders orders = tracker_.resume(disk_.sightings, same_boot, now);
    watcher_.restarted(tracker_, sending, same_boot, now);
    watcher_.told(orders);
    remember();
    return true;
  }

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
    remember();
    (void)dies(Death::between_polls, 0.01);
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
    remember();
    for (const SignalOrder& order : orders.signals) {
      Dice& dice = crowd_.dice();
      crowd_.advance(dice.chance(0.2) ? dice.between(1, 40 * kSecond) : dice.between(1, 50'000));
      if (crowd_.dice().chance(0.01)) pause(!paused_);  // in the middle
      if (!send(order)) break;
    }
    remember();
  }

  /// False when the daemon died over it: what else this poll ordered is not sent.
  bool send(const SignalOrder& order) {
    if (dies(Death::before_intent, 0.03)) return false;
    remember(order.id);
    if (dies(Death::before_signal, 0.03, order.id)) return false;
    if (const auto restraint = tracker_.safeguards().restrains_all()) {
      watcher_.told(tracker_.signal_withheld(order.id, order.kind, *restraint, crowd_.now()));
      return true;
    }
    watcher_.sent(order, crowd_.now());
    const Delivery delivery = crowd_.deliver(order.kind, order.guard);
    watcher_.delivered(order, delivery, crowd_.now());
    if (dies(Death::before_answer, 0.03, order.id)) return false;
    crowd_.advance(crowd_.dice().between(1, 20 * kMillisecond));
    const TimePoint now = crowd_.now();
    watcher_.answered(order, delivery.answer, now);
    watcher_.told(tracker_.signal_answered(order.id, order.kind, delivery.answer, "", now));
    remember();
    return true;
  }

  Crowd crowd_;
  Settings settings_;
  double mortality_;
  bool paused_ = false;
  bool yields_ = false;
  Tracker tracker_;
  Watcher watcher_;
  Disk disk_;
  std::map<Death, int> deaths_;
};

class SimulatedHours : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(SimulatedHours, BreakNoPromise) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  Simulation simulation(GetParam(), settings(), 0);
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

class SimulatedDeaths : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(SimulatedDeaths, BreakNoPromise) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  Simulation simulation(GetParam(), settings(), 1);
  simulation.run();
  const Seen& seen = simulation.seen();
  std::cout << "seed " << GetParam() << ": " << seen.hits.at(SignalKind::cancel) << " cancels, "
            << seen.hits.at(SignalKind::terminate) << " terminates, breakers opened "
            << seen.breakers_opened << " and outlived " << seen.breakers_outlived
            << " deaths, died";
  for (const auto& [death, times] : simulation.deaths())
    std::cout << ' ' << times;
  std::cout << " times and lost " << seen.lost << " answers;";
  for (const auto& [reason, count] : seen.overcome)
    std::cout << ' ' << reason << ' ' << count;
  std::cout << '\n';
  EXPECT_GT(seen.hits.at(SignalKind::cancel), 50);
  EXPECT_GT(seen.hits.at(SignalKind::terminate), 20);
  EXPECT_GT(seen.lost, 0);
  EXPECT_GT(seen.breakers_outlived, 0);
  EXPECT_GT(seen.breakers_closed, 0);
  EXPECT_TRUE(seen.overcome.contains("budget_minute"));
  EXPECT_TRUE(seen.overcome.contains("budget_hour"));
  for (const Death death :
       {Death::between_polls, Death::before_intent, Death::before_signal, Death::before_answer})
    EXPECT_TRUE(simulation.deaths().contains(death)) << "never died there";
}

INSTANTIATE_TEST_SUITE_P(Seeds, SimulatedDeaths, ::testing::Values(2, 3));
INSTANTIATE_TEST_SUITE_P(Seeds, SimulatedHours, ::testing::Values(1, 2, 3, 5, 8, 13));

}  // namespace
}  // namespace pghang::escalation::simulation
