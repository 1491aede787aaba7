#include <gtest/gtest.h>

#include "tests/daemon/escalation/tracker_steps.h"

namespace pghang::escalation {
namespace {

using std::chrono::seconds;
using testing::accept;
using testing::at;
using testing::idle_in_transaction;
using testing::next_statement;
using testing::only_change;
using testing::only_signal;
using testing::pg_time;
using testing::poll_of;
using testing::rule_of;
using testing::running;
using testing::terminating;
using testing::tracker_of;

TEST(Tracker, AMatchAndItsCancelComeFromTheSamePoll) {
  Tracker tracker = terminating();
  const Orders orders = tracker.observe(poll_of({running()}), at(0));
  EXPECT_EQ(only_change(orders).from, Stage::watching);
  EXPECT_EQ(only_change(orders).to, Stage::matched);
  EXPECT_EQ(only_signal(orders).kind, SignalKind::cancel);
  EXPECT_TRUE(orders.captures.empty());
  ASSERT_NE(tracker.find(only_signal(orders).id), nullptr);
  EXPECT_EQ(tracker.find(only_signal(orders).id)->rule_name, "stuck");
}

TEST(Tracker, TheWholeWayFromMatchToUnresponsiveTakesTwoSignals) {
  Tracker tracker = terminating();
  const auto poll = poll_of({running()});
  const SignalOrder cancel = only_signal(tracker.observe(poll, at(0)));
  EXPECT_EQ(only_change(accept(tracker, cancel, at(0))).to, Stage::cancel_sent);
  EXPECT_TRUE(tracker.observe(poll, at(29)).signals.empty());
  const SignalOrder terminate = only_signal(tracker.observe(poll, at(30)));
  EXPECT_EQ(terminate.kind, SignalKind::terminate);
  EXPECT_EQ(only_change(accept(tracker, terminate, at(31))).to, Stage::terminate_sent);
  EXPECT_TRUE(tracker.observe(poll, at(90)).changes.empty());
  const Orders last = tracker.observe(poll, at(91));
  EXPECT_EQ(only_change(last).to, Stage::unresponsive);
  EXPECT_EQ(last.captures.size(), 1U);
  EXPECT_EQ(tracker.sightings().front()->cancel_accepted_at, at(0));
  EXPECT_EQ(tracker.sightings().front()->terminate_accepted_at, at(31));
}

TEST(Tracker, TheGuardOfARunningBackendIsItsStatement) {
  Tracker tracker = terminating();
  const Guard guard = only_signal(tracker.observe(poll_of({running()}), at(0))).guard;
  EXPECT_EQ(guard.backend, running().key);
  EXPECT_EQ(guard.xact_start, running().xact_start);
  EXPECT_TRUE(guard.check_query_start);
  EXPECT_EQ(guard.query_start, running().query_start);
  EXPECT_FALSE(guard.check_state_change);
  EXPECT_EQ(guard.state, "active");
}

TEST(Tracker, TheGuardOfAnIdleBackendIsItsStateChange) {
  for (const char* state : {"idle", "idle in transaction", "idle in transaction (aborted)"}) {
    Tracker tracker = terminating();
    Activity idle = idle_in_transaction();
    idle.state = state;
    const SignalOrder order = only_signal(tracker.observe(poll_of({idle}), at(0)));
    EXPECT_EQ(order.kind, SignalKind::terminate);
    EXPECT_FALSE(order.guard.check_query_start);
    EXPECT_TRUE(order.guard.check_state_change);
    EXPECT_EQ(order.guard.state_change, idle.state_change);
    EXPECT_EQ(order.guard.state, state);
  }
}

TEST(Tracker, AnyChangeOfWhatWasJudgedEndsARunningSighting) {
  const auto ends = [](auto change) {
    Tracker tracker = tracker_of({rule_of(RuleAction::terminate)}, Mode::observe);
    (void)tracker.observe(poll_of({running()}), at(0));
    Activity changed = running();
    change(changed);
    const Orders orders = tracker.observe(poll_of({changed}), at(5));
    return !orders.changes.empty() && orders.changes.front().to == Stage::resolved;
  };
  EXPECT_TRUE(ends([](Activity& a) { a.query_start = pg_time(201); }));
  EXPECT_TRUE(ends([](Activity& a) { a.xact_start = pg_time(101); }));
  EXPECT_TRUE(ends([](Activity& a) { a.xact_start.reset(); }));
  EXPECT_TRUE(ends([](Activity& a) { a.state = "idle in transaction (aborted)"; }));
  EXPECT_TRUE(ends([](Activity& a) { a.key.backend_start = pg_time(11); }));
  EXPECT_FALSE(ends([](Activity& a) { a.state_change = pg_time(999); }));
  EXPECT_FALSE(ends([](Activity& a) { a.wait_event = "DataFileRead"; }));
}

TEST(Tracker, AnyChangeOfWhatWasJudgedEndsAnIdleSighting) {
  const auto ends = [](auto change) {
    Tracker tracker = tracker_of({rule_of(RuleAction::terminate)}, Mode::observe);
    (void)tracker.observe(poll_of({idle_in_transaction()}), at(0));
    Activity changed = idle_in_transaction();
    change(changed);
    const Orders orders = tracker.observe(poll_of({changed}), at(5));
    return !orders.changes.empty() && orders.changes.front().to == Stage::resolved;
  };
  EXPECT_TRUE(ends([](Activity& a) { a.state_change = pg_time(211); }));
  EXPECT_TRUE(ends([](Activity& a) { a.xact_start = pg_time(101); }));
  EXPECT_TRUE(ends([](Activity& a) { a.state = "active"; }));
  EXPECT_FALSE(ends([](Activity& a) { a.query_start = pg_time(201); }));
}

TEST(Tracker, TheNextStatementIsANewSightingInTheSamePoll) {
  Tracker tracker = terminating();
  const SignalOrder cancel = only_signal(tracker.observe(poll_of({running()}), at(0)));
  (void)accept(tracker, cancel, at(0));
  const Orders orders = tracker.observe(poll_of({next_statement(running())}), at(40));
  ASSERT_EQ(orders.changes.size(), 2U);
  EXPECT_EQ(orders.changes[0].id, cancel.id);
  EXPECT_EQ(orders.changes[0].outcome, Outcome::cancelled);
  EXPECT_EQ(orders.changes[1].to, Stage::matched);
  EXPECT_NE(orders.changes[1].id, cancel.id);
  EXPECT_EQ(only_signal(orders).kind, SignalKind::cancel);
  EXPECT_EQ(only_signal(orders).guard, guard_of(next_statement(running())));
}

TEST(Tracker, AReusedPidIsAnotherBackend) {
  Tracker tracker = terminating();
  const SignalOrder cancel = only_signal(tracker.observe(poll_of({running()}), at(0)));
  (void)accept(tracker, cancel, at(0));
  const SignalOrder terminate = only_signal(tracker.observe(poll_of({running()}), at(30)));
  (void)accept(tracker, terminate, at(30));
  Activity heir = running();
  heir.key.backend_start = pg_time(500);
  const Orders orders = tracker.observe(poll_of({heir}), at(95));
  ASSERT_EQ(orders.changes.size(), 2U);
  EXPECT_EQ(orders.changes[0].outcome, Outcome::terminated);
  EXPECT_EQ(only_signal(orders).kind, SignalKind::cancel);
  EXPECT_EQ(only_signal(orders).guard.backend, heir.key);
}

TEST(Tracker, ABackendAbsentFromAPollCountsAsGone) {
  Tracker tracker = terminating();
  const SignalOrder cancel = only_signal(tracker.observe(poll_of({running()}), at(0)));
  const Orders orders = tracker.observe(poll_of({}), at(5));
  EXPECT_EQ(only_change(orders).outcome, Outcome::finished);
  EXPECT_TRUE(tracker.sightings().empty());
  EXPECT_TRUE(accept(tracker, cancel, at(6)).changes.empty());
}

TEST(Tracker, AStageChangeCarriesTheSightingAsItIsAfterwards) {
  Tracker tracker = terminating();
  const SignalOrder cancel = only_signal(tracker.observe(poll_of({running()}), at(0)));
  const StageChange sent = only_change(accept(tracker, cancel, at(1)));
  EXPECT_EQ(sent.sighting.stage, Stage::cancel_sent);
  EXPECT_EQ(sent.sighting.cancel_accepted_at, at(1));
  const StageChange end = only_change(tracker.observe(poll_of({}), at(5)));
  EXPECT_EQ(end.sighting.stage, Stage::resolved);
  EXPECT_EQ(end.sighting.activity, running());
  EXPECT_EQ(tracker.find(cancel.id), nullptr);
}

TEST(Tracker, OfTwoRowsWithOnePidTheFirstCounts) {
  Tracker tracker = terminating();
  Activity twin = running();
  twin.key.backend_start = pg_time(11);
  const Orders orders = tracker.observe(poll_of({running(), twin, running()}), at(0));
  EXPECT_EQ(only_signal(orders).guard.backend, running().key);
  EXPECT_EQ(tracker.sightings().size(), 1U);
}

TEST(Tracker, SightingsOfDifferentBackendsDoNotMeet) {
  Tracker tracker = terminating();
  const Orders first = tracker.observe(poll_of({running(1), running(2)}), at(0));
  ASSERT_EQ(first.signals.size(), 2U);
  (void)accept(tracker, first.signals[0], at(0));
  const Orders second = tracker.observe(poll_of({running(1), running(2)}), at(30));
  EXPECT_EQ(only_signal(second).id, first.signals[0].id);
  EXPECT_EQ(tracker.find(first.signals[1].id)->stage, Stage::matched);
}

TEST(Tracker, TheFirstRuleToMatchTakesOverWhatIsNotYetSignalled) {
  Rule late = rule_of(RuleAction::terminate);
  late.name = "late";
  late.match.query_age = seconds(600);
  Rule early = rule_of(RuleAction::observe);
  early.name = "early";
  Tracker tracker = tracker_of({late, early});
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(0)).signals.empty());
  Activity older = running();
  older.query_age = seconds(600);
  const Orders orders = tracker.observe(poll_of({older}), at(500));
  ASSERT_EQ(orders.changes.size(), 2U);
  EXPECT_EQ(orders.changes[0].outcome, Outcome::finished);
  EXPECT_EQ(tracker.find(only_signal(orders).id)->rule, 0U);
}

TEST(Tracker, AnotherRuleDoesNotTakeOverAfterAnAcceptedCancel) {
  Rule late = rule_of(RuleAction::terminate);
  late.match.query_age = seconds(600);
  Rule early = rule_of(RuleAction::cancel);
  early.name = "early";
  Tracker tracker = tracker_of({late, early});
  const SignalOrder cancel = only_signal(tracker.observe(poll_of({running()}), at(0)));
  (void)accept(tracker, cancel, at(0));
  Activity older = running();
  older.query_age = seconds(600);
  EXPECT_EQ(only_change(tracker.observe(poll_of({older}), at(500))).to, Stage::unresponsive);
  EXPECT_EQ(tracker.find(cancel.id)->rule, 1U);
}

TEST(Tracker, AnExemptBackendIsReportedWithItsReason) {
  Tracker tracker = terminating();
  Activity activity = running();
  activity.superuser = true;
  const Orders orders = tracker.observe(poll_of({activity}), at(0));
  EXPECT_TRUE(orders.signals.empty());
  ASSERT_EQ(orders.suppressions.size(), 1U);
  EXPECT_EQ(orders.suppressions[0].reason, "superuser");
  ASSERT_EQ(orders.captures.size(), 1U);
  EXPECT_EQ(orders.captures[0].backend, activity.key);
  EXPECT_EQ(tracker.find(orders.captures[0].id)->exemption, Exemption::superuser);
}

TEST(Tracker, ASupersededStatementThatIsStillThereIsSeenAnewAtOnce) {
  Tracker tracker = terminating();
  const SignalOrder first = only_signal(tracker.observe(poll_of({running()}), at(0)));
  const Orders answer =
      tracker.signal_answered(first.id, first.kind, SignalAnswer::superseded, "", at(0));
  EXPECT_EQ(only_change(answer).outcome, Outcome::superseded);
  const SignalOrder second = only_signal(tracker.observe(poll_of({running()}), at(1)));
  EXPECT_NE(second.id, first.id);
}

TEST(Tracker, TheServersWordsAreInTheNote) {
  Tracker tracker = terminating();
  const SignalOrder order = only_signal(tracker.observe(poll_of({running()}), at(0)));
  const Orders orders =
      tracker.signal_answered(order.id, order.kind, SignalAnswer::accepted, "as you wish", at(0));
  EXPECT_EQ(only_change(orders).note, "cancel accepted: as you wish");
}

TEST(Tracker, SomebodysIgnoredTerminateIsCaptured) {
  Tracker tracker = tracker_of({rule_of(RuleAction::terminate)}, Mode::observe);
  const SightingId id = tracker.observe(poll_of({running()}), at(0)).captures.front().id;
  EXPECT_TRUE(tracker.terminate_pending_seen(id, true, at(1)).changes.empty());
  const Orders orders = tracker.terminate_pending_seen(id, true, at(61));
  EXPECT_EQ(only_change(orders).to, Stage::unresponsive);
  EXPECT_EQ(orders.captures.size(), 1U);
}

TEST(Tracker, TimeThatGoesBackCountsAsStandingStill) {
  Tracker tracker = terminating();
  const SignalOrder cancel = only_signal(tracker.observe(poll_of({running()}), at(100)));
  (void)accept(tracker, cancel, at(50));
  EXPECT_EQ(tracker.find(cancel.id)->cancel_accepted_at, at(100));
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(0)).signals.empty());
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(129)).signals.empty());
  EXPECT_EQ(
      only_signal(tracker.observe(poll_of({running()}), at(130))).kind,
      SignalKind::terminate
  );
}

TEST(Tracker, AnUnknownSightingIsNoMatterToAnyone) {
  Tracker tracker = terminating();
  const auto answered =
      tracker.signal_answered(99, SignalKind::cancel, SignalAnswer::accepted, "", at(0));
  EXPECT_TRUE(answered.changes.empty());
  EXPECT_TRUE(tracker.terminate_pending_seen(99, true, at(0)).changes.empty());
  EXPECT_EQ(tracker.find(99), nullptr);
}

TEST(Signals, AreSpelledAsTheirMetricLabels) {
  EXPECT_STREQ(to_string(SignalKind::cancel), "cancel");
  EXPECT_STREQ(to_string(SignalKind::terminate), "terminate");
  EXPECT_STREQ(to_string(SignalAnswer::accepted), "accepted");
  EXPECT_STREQ(to_string(SignalAnswer::refused), "refused");
  EXPECT_STREQ(to_string(SignalAnswer::superseded), "superseded");
  EXPECT_STREQ(to_string(SignalAnswer::unknown), "unknown");
}

}  // namespace
}  // namespace pghang::escalation
