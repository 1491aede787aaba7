#include "daemon/escalation/safeguards.h"

#include "tests/daemon/escalation/tracker_steps.h"

namespace pghang::escalation {
namespace {

using testing::at;
using testing::only_signal;
using testing::poll_of;
using testing::rule_of;
using testing::running;

Settings settings() {
  Settings settings;
  settings.budget = {
      .actions_per_minute = 2,
      .actions_per_hour = 100,
      .share_percent = 100,
      .unresponsive = 100};
  settings.breaker = {
      .jump = 3,
      .jump_percent = 1,
      .window = std::chrono::seconds(60),
      .quiet = std::chrono::seconds(30)};
  return settings;
}

Tracker guarded() {
  Tracker tracker = testing::terminating();
  tracker.safeguards().configure(settings());
  return tracker;
}

ActivitySnapshot crowd(int backends) {
  ActivitySnapshot snapshot;
  for (int i = 0; i < backends; ++i)
    snapshot.rows.push_back(running(100 + i));
  snapshot.counts = {{"active", 100}};
  return snapshot;
}

std::vector<std::string> reasons(const Orders& orders) {
  std::vector<std::string> all;
  for (const Suppression& suppression : orders.suppressions)
    all.push_back(suppression.reason);
  return all;
}

TEST(Safeguards, ASignalOverBudgetWaitsIsToldOnceAndIsSentLater) {
  Tracker tracker = guarded();
  Orders orders = tracker.observe(crowd(3), at(0));
  EXPECT_EQ(orders.signals.size(), 2U);
  EXPECT_EQ(reasons(orders), std::vector<std::string>{"budget_minute"});
  for (const SignalOrder& order : orders.signals)
    (void)testing::accept(tracker, order, at(0));
  orders = tracker.observe(crowd(3), at(10));
  EXPECT_TRUE(orders.signals.empty());
  EXPECT_TRUE(orders.suppressions.empty()) << "told once, not per poll";
  EXPECT_EQ(tracker.find(3)->suppressed, "budget_minute");
  ActivitySnapshot last = crowd(3);
  last.rows.erase(last.rows.begin(), last.rows.begin() + 2);
  orders = tracker.observe(last, at(60));
  EXPECT_EQ(only_signal(orders).id, 3U) << "there is room again";
  EXPECT_EQ(tracker.find(3)->suppressed, "");
}

TEST(Safeguards, ASecondSignalThatIsWithheldIsToldAgain) {
  Tracker tracker = guarded();
  tracker.safeguards().pause(true);
  Orders orders = tracker.observe(poll_of({running()}), at(0));
  EXPECT_EQ(reasons(orders), std::vector<std::string>{"paused"});
  EXPECT_EQ(orders.captures.size(), 1U) << "it is explained meanwhile";
  tracker.safeguards().pause(false);
  const SignalOrder cancel = only_signal(tracker.observe(poll_of({running()}), at(1)));
  (void)testing::accept(tracker, cancel, at(1));
  tracker.safeguards().pause(true);
  orders = tracker.observe(poll_of({running()}), at(31));
  EXPECT_EQ(reasons(orders), std::vector<std::string>{"paused"});
  EXPECT_EQ(tracker.find(cancel.id)->stage, Stage::cancel_sent) << "not given up as unresponsive";
  tracker.safeguards().pause(false);
  orders = tracker.observe(poll_of({running()}), at(40));
  EXPECT_EQ(only_signal(orders).kind, SignalKind::terminate);
}

TEST(Safeguards, AnOrderWithheldBeforeItWasSentIsDueWithTheNextPoll) {
  Tracker tracker = guarded();
  const SignalOrder order = only_signal(tracker.observe(poll_of({running()}), at(0)));
  const Orders told = tracker.signal_withheld(order.id, order.kind, Restraint::paused, at(0));
  EXPECT_EQ(reasons(told), std::vector<std::string>{"paused"});
  EXPECT_EQ(tracker.find(order.id)->stage, Stage::matched);
  const SignalOrder again = only_signal(tracker.observe(poll_of({running()}), at(1)));
  EXPECT_EQ(again.kind, SignalKind::cancel);
  EXPECT_EQ(again.id, order.id);
}

TEST(Safeguards, ARuleThatSuddenlyMatchesManySignalsNotEvenTheFirst) {
  Tracker tracker = guarded();
  Orders orders = tracker.observe(crowd(4), at(0));
  EXPECT_TRUE(orders.signals.empty());
  ASSERT_EQ(orders.breakers.size(), 1U);
  EXPECT_TRUE(orders.breakers.front().open);
  EXPECT_EQ(orders.breakers.front().matches, 4U);
  EXPECT_EQ(reasons(orders), std::vector<std::string>(4, "breaker_open"));
  orders = tracker.observe(crowd(4), at(29));
  EXPECT_TRUE(orders.signals.empty());
  EXPECT_TRUE(orders.suppressions.empty());
  orders = tracker.observe(crowd(4), at(30));
  ASSERT_EQ(orders.breakers.size(), 1U);
  EXPECT_FALSE(orders.breakers.front().open);
  EXPECT_EQ(orders.signals.size(), 2U) << "within the budget it goes on";
}

TEST(Safeguards, WhoIsExemptOrStillWatchedDoesNotOpenABreaker) {
  ActivitySnapshot snapshot = crowd(4);
  snapshot.rows[0].superuser = true;
  Tracker tracker = guarded();
  EXPECT_TRUE(tracker.observe(snapshot, at(0)).breakers.empty());

  Rule patient = rule_of(RuleAction::terminate);
  patient.for_ = std::chrono::seconds(10);
  Tracker waiting = testing::tracker_of({patient});
  waiting.safeguards().configure(settings());
  EXPECT_TRUE(waiting.observe(crowd(4), at(0)).breakers.empty());
  EXPECT_EQ(waiting.observe(crowd(4), at(10)).breakers.size(), 1U);
}

TEST(Safeguards, ABreakerOfOneRuleLeavesTheOthersAlone) {
  Rule batch = rule_of(RuleAction::terminate);
  batch.name = "batch";
  batch.match.user.include = {testing::exact("batch")};
  Tracker tracker = testing::tracker_of({batch, rule_of(RuleAction::terminate)});
  tracker.safeguards().configure(settings());
  ActivitySnapshot snapshot = crowd(5);
  snapshot.rows.back().user = "batch";
  const Orders orders = tracker.observe(snapshot, at(0));
  EXPECT_EQ(tracker.find(only_signal(orders).id)->rule_name, "batch");
  EXPECT_EQ(tracker.safeguards().reset_breakers("batch", at(1)), std::vector<std::string>{});
  EXPECT_EQ(tracker.safeguards().reset_breakers("", at(1)), std::vector<std::string>{"stuck"});
}

TEST(Safeguards, TheFirstReasonIsWhatSomebodyDecided) {
  Tracker tracker = guarded();
  tracker.safeguards().pause(true);
  tracker.safeguards().yield_to_other_daemon(true);
  EXPECT_EQ(reasons(tracker.observe(crowd(4), at(0))), std::vector<std::string>(4, "paused"));
  tracker.safeguards().pause(false);
  EXPECT_EQ(reasons(tracker.observe(crowd(4), at(1))), std::vector<std::string>(4, "other_daemon"));
  tracker.safeguards().yield_to_other_daemon(false);
  EXPECT_EQ(reasons(tracker.observe(crowd(4), at(2))), std::vector<std::string>(4, "breaker_open"));
}

TEST(Safeguards, ABreakerThatWasOpenRestrainsTheNextDaemonToo) {
  Tracker before = guarded();
  ASSERT_EQ(before.observe(crowd(4), at(0)).breakers.size(), 1U);
  Tracker next = guarded();
  const auto open = next.safeguards().resume(before.safeguards().saved(at(1)), true, at(2));
  ASSERT_EQ(open.size(), 1U);
  EXPECT_TRUE(open.front().open && open.front().restored);
  EXPECT_EQ(open.front().matches, 4U);
  const Orders orders = next.observe(crowd(4), at(3));
  EXPECT_TRUE(orders.signals.empty());
  EXPECT_TRUE(orders.breakers.empty()) << "it was open";
  EXPECT_EQ(next.observe(crowd(4), at(30)).breakers.size(), 1U);
}

TEST(Safeguards, ABreakerThatSaysNothingIsNotSaved) {
  Tracker tracker = guarded();
  (void)tracker.observe(crowd(0), at(0));
  EXPECT_EQ(tracker.safeguards().saved(at(1)), SavedSafeguards{});
  (void)tracker.observe(crowd(1), at(2));
  EXPECT_EQ(tracker.safeguards().saved(at(3)).breakers.size(), 1U);
}

TEST(Safeguards, ABreakerOfARuleThatIsNoMoreIsForgottenWithTheFirstPoll) {
  Tracker before = testing::tracker_of({rule_of(RuleAction::terminate)});
  before.safeguards().configure(settings());
  (void)before.observe(crowd(4), at(0));
  Rule other = rule_of(RuleAction::terminate);
  other.name = "other";
  Tracker next = testing::tracker_of({other});
  next.safeguards().configure(settings());
  (void)next.safeguards().resume(before.safeguards().saved(at(1)), true, at(1));
  (void)next.observe(crowd(1), at(2));
  ASSERT_EQ(next.safeguards().breakers().size(), 1U);
  EXPECT_EQ(next.safeguards().breakers().begin()->first, "other");
}

TEST(Safeguards, AProtectedBackendIsNamedAndNeverSignalled) {
  Tracker tracker = guarded();
  Settings protecting = settings();
  Protection nightly;
  nightly.name = "nightly";
  nightly.match.user.include = {testing::exact("app")};
  protecting.protect = {nightly};
  tracker.safeguards().configure(protecting);
  const Orders orders = tracker.observe(crowd(1), at(0));
  EXPECT_TRUE(orders.signals.empty());
  EXPECT_EQ(reasons(orders), std::vector<std::string>{"protected"});
  EXPECT_EQ(tracker.find(1)->protected_by, "nightly");
}

}  // namespace
}  // namespace pghang::escalation
