#include <utility>

#include <gtest/gtest.h>

#include "daemon/escalation/tracker.h"
#include "tests/daemon/escalation/builders.h"
#include "tests/daemon/escalation/fake_server.h"
#include "tests/daemon/escalation/invariants.h"

namespace pghang::escalation {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::Dice;
using testing::exact;
using testing::FakeServer;
using testing::Invariants;

constexpr std::int64_t kSecond = 1'000'000;
constexpr auto kWalk = hours(100);

Rule named(const char* name, RuleAction action, int cancel_grace) {
  Rule rule = testing::rule_of(action);
  rule.name = name;
  rule.cancel_grace = seconds(cancel_grace);
  rule.terminate_grace = seconds(90);
  return rule;
}

/// Lifts what a rule can lift.
std::vector<Pattern> every_type() {
  return {
      exact("client backend"),
      exact("background worker"),
      exact("parallel worker"),
      exact("walsender"),
      exact("autovacuum worker")};
}

/// `variant` makes a reload change some rules and keep others.
std::vector<Rule> rules(int variant) {
  Rule batch = named("batch", RuleAction::observe, 60);
  batch.match.user.include = {exact("batch")};
  batch.match.state.include = {exact("active")};
  batch.match.query_age = seconds(120);

  Rule root = named("root", RuleAction::terminate, 60);
  root.match.user.include = {exact("root")};
  root.match.transaction_age = seconds(60);

  Rule runaway = named("runaway", RuleAction::terminate, variant == 0 ? 60 : 45);
  runaway.match.state.include = {exact("active")};
  runaway.match.query_age = seconds(60);
  runaway.for_ = seconds(40);

  Rule idle = named("idle-in-transaction", RuleAction::terminate, 60);
  idle.match.state.include = {exact("idle in transaction"), exact("idle in transaction (aborted)")};
  idle.match.state_age = seconds(45);

  Rule reading = named("reading", RuleAction::cancel, 75);
  reading.match.state.include = {exact("active")};
  reading.match.backend_type.include = every_type();
  reading.match.wait_event.include = {exact("datafileread")};

  Rule everything = named("everything", RuleAction::terminate, 60);
  everything.match.backend_type.include = every_type();
  everything.match.user.exclude = {exact("app")};
  everything.match.state.exclude = {exact("idle")};
  everything.for_ = seconds(60);

  if (variant == 0) return {batch, root, runaway, idle, reading, everything};
  return {root, runaway, idle, reading, batch};
}

/// A supervisor in miniature around one tracker and one server.
class Walk {
 public:
  Walk(std::uint64_t seed, Mode mode, bool reloads)
      : server_(seed),
        tracker_(mode, seconds(30), RuleMatcher(rules(0))),
        mode_(mode),
        reloads_(reloads) {
    invariants_.configured(mode, rules(0));
  }

  void run() {
    const TimePoint end = server_.now() + kWalk;
    while (server_.now() < end && !::testing::Test::HasFailure())
      step();
    invariants_.dropped(tracker_.drop_all("the walk is over", server_.now()), server_.now());
    invariants_.finished();
    EXPECT_TRUE(tracker_.sightings().empty());
  }

  [[nodiscard]] const testing::Coverage& coverage() const { return invariants_.coverage(); }

 private:
  struct Answer {
    SignalOrder order;
    SignalAnswer answer;
  };

  void step() {
    Dice& dice = server_.dice();
    if (!dice.chance(0.02)) server_.advance(dice.between(5 * kSecond, 40 * kSecond));
    if (dice.chance(0.02)) server_.somebody_signals();
    if (reloads_ && dice.chance(0.01)) reload();
    if (reloads_ && dice.chance(0.001)) {
      invariants_.dropped(tracker_.drop_all("failover", server_.now()), server_.now());
    }
    if (reloads_ && dice.chance(0.02)) restart();
    if (dice.chance(0.05)) return;  // this poll failed
    poll();
  }

  void poll() {
    const ActivitySnapshot snapshot = server_.snapshot();
    const TimePoint now = server_.now();
    const Orders orders = tracker_.observe(snapshot, now);
    invariants_.polled(snapshot, server_, tracker_, orders, now);
    std::vector<Answer> late = std::exchange(late_, {});
    for (const SignalOrder& order : orders.signals)
      send(order);
    for (const Answer& answer : late)
      tell(answer);
    for (const CaptureOrder& order : orders.captures)
      capture(order);
  }

  void send(const SignalOrder& order) {
    Dice& dice = server_.dice();
    server_.advance(dice.chance(0.2) ? dice.between(1, 20 * kSecond) : dice.between(1, 50'000));
    const auto delivery = server_.deliver(order.kind, order.guard);
    invariants_.delivered(order, delivery, server_.now());
    server_.advance(dice.between(0, 50'000));
    const Answer answer{order, delivery.answer};
    if (dice.chance(0.05)) {
      late_.push_back(answer);
    } else {
      tell(answer);
    }
  }

  void tell(const Answer& answer) {
    const TimePoint now = server_.now();
    const Orders orders =
        tracker_.signal_answered(answer.order.id, answer.order.kind, answer.answer, "", now);
    invariants_.answered(answer.order, answer.answer, orders, now);
  }

  void capture(const CaptureOrder& order) {
    const testing::FakeSession* session = server_.find(order.backend.pid);
    if (session == nullptr || session->row.key != order.backend) return;
    const bool pending = session->terminate_pending;
    const Orders orders = tracker_.terminate_pending_seen(order.id, pending, server_.now());
    invariants_.pending_seen(order.id, pending, orders, server_.now());
  }

  void reload() {
    Dice& dice = server_.dice();
    if (dice.chance(0.5)) mode_ = mode_ == Mode::enforce ? Mode::observe : Mode::enforce;
    const int variant = dice.chance(0.5) ? 0 : 1;
    const TimePoint now = server_.now();
    const Orders orders =
        tracker_.reconfigure(mode_, seconds(30), RuleMatcher(rules(variant)), now);
    invariants_.configured(mode_, rules(variant));
    invariants_.dropped(orders, now);
  }

  /// The daemon dies and another goes on, perhaps after a while. Answers that were under way are
  /// lost.
  void restart() {
    for (const Answer& lost : std::exchange(late_, {}))
      invariants_.answered(lost.order, SignalAnswer::unknown, {}, server_.now());
    const std::vector<SavedSighting> saved = tracker_.saved();
    Dice& dice = server_.dice();
    if (dice.chance(0.5)) server_.advance(dice.between(1, 60 * kSecond));
    tracker_ = Tracker(mode_, seconds(30), RuleMatcher(tracker_.rules().rules()));
    const TimePoint now = server_.now();
    invariants_.dropped(tracker_.resume(saved, true, now), now);
  }

  FakeServer server_;
  Tracker tracker_;
  Invariants invariants_;
  Mode mode_;
  bool reloads_;
  std::vector<Answer> late_;
};

class RandomWalk : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomWalk, KeepsEveryPromiseInEnforce) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  Walk walk(GetParam(), Mode::enforce, false);
  walk.run();
  for (const Outcome outcome :
       {Outcome::finished,
        Outcome::cancelled,
        Outcome::terminated,
        Outcome::self_resolved,
        Outcome::refused,
        Outcome::exempt,
        Outcome::superseded}) {
    EXPECT_TRUE(walk.coverage().outcomes.contains(outcome))
        << "the walk never came to outcome " << static_cast<int>(outcome);
  }
  EXPECT_GT(walk.coverage().hits.at(SignalKind::cancel), 100);
  EXPECT_GT(walk.coverage().hits.at(SignalKind::terminate), 100);
  EXPECT_GT(walk.coverage().unresponsive, 50);
}

TEST_P(RandomWalk, KeepsEveryPromiseOverReloadsFailoversAndRestarts) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  Walk walk(GetParam(), Mode::enforce, true);
  walk.run();
  EXPECT_GT(walk.coverage().hits.at(SignalKind::cancel), 20);
  EXPECT_GT(walk.coverage().hits.at(SignalKind::terminate), 20);
}

TEST_P(RandomWalk, SendsNothingInModeObserve) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  Walk walk(GetParam(), Mode::observe, false);
  walk.run();
  EXPECT_TRUE(walk.coverage().hits.empty());
  EXPECT_GT(walk.coverage().matched, 100);
  EXPECT_GT(walk.coverage().captures, 100);
  EXPECT_GT(walk.coverage().unresponsive, 0) << "somebody's terminate was never ignored";
}

// 2,400 simulated hours together.
INSTANTIATE_TEST_SUITE_P(Seeds, RandomWalk, ::testing::Values(1, 2, 3, 5, 8, 13, 21, 34));

}  // namespace
}  // namespace pghang::escalation
