#include <gtest/gtest.h>

#include "tests/daemon/escalation/tracker_steps.h"

namespace pghang::escalation {
namespace {

using std::chrono::seconds;
using testing::accept;
using testing::at;
using testing::next_statement;
using testing::only_change;
using testing::only_signal;
using testing::poll_of;
using testing::rule_of;
using testing::running;
using testing::terminating;

TEST(Reconfigure, AnUnchangedRuleKeepsStageAndClocksWhereverItMoves) {
  Tracker tracker = terminating();
  const SignalOrder cancel = only_signal(tracker.observe(poll_of({running()}), at(0)));
  (void)accept(tracker, cancel, at(0));
  Rule other = rule_of(RuleAction::observe);
  other.name = "other";
  const Orders orders = tracker.reconfigure(
      Mode::enforce,
      seconds(10),
      RuleMatcher({other, rule_of(RuleAction::terminate)}),
      at(10)
  );
  EXPECT_TRUE(orders.changes.empty());
  EXPECT_EQ(tracker.find(cancel.id)->stage, Stage::cancel_sent);
  EXPECT_EQ(tracker.find(cancel.id)->rule, 1U);
  EXPECT_EQ(only_signal(tracker.observe(poll_of({running()}), at(30))).kind, SignalKind::terminate);
}

TEST(Reconfigure, AChangedRuleEndsItsSightings) {
  Tracker tracker = terminating();
  const SightingId id = only_signal(tracker.observe(poll_of({running()}), at(0))).id;
  Rule changed = rule_of(RuleAction::terminate);
  changed.cancel_grace = seconds(1);
  const Orders orders =
      tracker.reconfigure(Mode::enforce, seconds(10), RuleMatcher({changed}), at(5));
  EXPECT_EQ(only_change(orders).id, id);
  EXPECT_EQ(only_change(orders).outcome, Outcome::finished);
  EXPECT_TRUE(tracker.sightings().empty());
  EXPECT_EQ(only_change(orders).sighting.rule_name, "stuck");
}

TEST(Reconfigure, TheSameStatementIsNotSignalledAgainWithinTheGraceItWasGiven) {
  Tracker tracker = terminating();
  const SignalOrder cancel = only_signal(tracker.observe(poll_of({running()}), at(0)));
  (void)accept(tracker, cancel, at(0));
  Rule changed = rule_of(RuleAction::cancel);
  (void)tracker.reconfigure(Mode::enforce, seconds(10), RuleMatcher({changed}), at(5));
  const Orders judged_anew = tracker.observe(poll_of({running()}), at(6));
  EXPECT_EQ(only_change(judged_anew).to, Stage::matched);
  EXPECT_TRUE(judged_anew.signals.empty());
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(29)).signals.empty());
  EXPECT_EQ(only_signal(tracker.observe(poll_of({running()}), at(30))).kind, SignalKind::cancel);
}

TEST(Reconfigure, TheNextStatementDoesNotWaitForTheGraceOfTheLast) {
  Tracker tracker = terminating();
  const SignalOrder cancel = only_signal(tracker.observe(poll_of({running()}), at(0)));
  (void)accept(tracker, cancel, at(0));
  (void)tracker.reconfigure(Mode::enforce, seconds(10), RuleMatcher({Rule{}}), at(5));
  (void)tracker
      .reconfigure(Mode::enforce, seconds(10), RuleMatcher({rule_of(RuleAction::cancel)}), at(5));
  const Orders orders = tracker.observe(poll_of({next_statement(running())}), at(6));
  EXPECT_EQ(only_signal(orders).kind, SignalKind::cancel);
}

TEST(Reconfigure, ATurnToObserveStopsEverySignal) {
  Tracker tracker = terminating();
  const SignalOrder cancel = only_signal(tracker.observe(poll_of({running()}), at(0)));
  (void)accept(tracker, cancel, at(0));
  (void)tracker.reconfigure(
      Mode::observe,
      seconds(10),
      RuleMatcher({rule_of(RuleAction::terminate)}),
      at(5)
  );
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(30)).signals.empty());
  EXPECT_EQ(tracker.find(cancel.id)->stage, Stage::unresponsive);
}

TEST(DropAll, EndsEverySightingWithoutAnAction) {
  Tracker tracker = terminating();
  const Orders first = tracker.observe(poll_of({running(1), running(2)}), at(0));
  (void)accept(tracker, first.signals[0], at(0));
  const Orders orders = tracker.drop_all("failover", at(1));
  ASSERT_EQ(orders.changes.size(), 2U);
  for (const StageChange& change : orders.changes) {
    EXPECT_EQ(change.outcome, Outcome::finished);
    EXPECT_EQ(change.note, "failover");
  }
  EXPECT_TRUE(orders.signals.empty());
  EXPECT_TRUE(orders.captures.empty());
  EXPECT_TRUE(tracker.sightings().empty());
}

}  // namespace
}  // namespace pghang::escalation
