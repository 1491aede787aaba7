
#include <gtest/gtest.h>

#include "collectors/evidence/archive.h"
#include "tests/daemon/escalation/tracker_steps.h"

/// What one daemon saves, the next one goes on with.
namespace pghang::escalation {
namespace {

using std::chrono::seconds;
using testing::accept;
using testing::at;
using testing::idle_in_transaction;
using testing::next_statement;
using testing::only_change;
using testing::only_signal;
using testing::poll_of;
using testing::rule_of;
using testing::running;
using testing::terminating;
using testing::tracker_of;

constexpr bool kSameBoot = true;
constexpr bool kAnotherBoot = false;

/// By way of the bytes on the disk.
std::vector<SavedSighting> on_disk(const std::vector<SavedSighting>& saved) {
  std::vector<SavedSighting> read;
  for (const SavedSighting& one : saved) {
    std::string bytes;
    archive::put(bytes, one);
    EXPECT_TRUE(archive::get(bytes, read.emplace_back()));
    EXPECT_EQ(read.back(), one);
  }
  return read;
}

Tracker next_daemon(const Tracker& last, bool same_boot, TimePoint now) {
  Tracker next = terminating();
  const Orders orders = next.resume(on_disk(last.saved()), same_boot, now);
  EXPECT_TRUE(orders.changes.empty());
  EXPECT_TRUE(orders.signals.empty());
  return next;
}

Tracker after_cancel() {
  Tracker tracker = terminating();
  (void)accept(tracker, only_signal(tracker.observe(poll_of({running()}), at(0))), at(0));
  return tracker;
}

Tracker after_terminate() {
  Tracker tracker = after_cancel();
  (void)accept(tracker, only_signal(tracker.observe(poll_of({running()}), at(30))), at(30));
  return tracker;
}

TEST(Resume, ACancelsGraceEndsWhenItWouldHaveEnded) {
  Tracker tracker = next_daemon(after_cancel(), kSameBoot, at(10));
  ASSERT_EQ(tracker.sightings().size(), 1U);
  EXPECT_EQ(tracker.sightings()[0]->stage, Stage::cancel_sent);
  EXPECT_EQ(tracker.sightings()[0]->cancel_accepted_at, at(0));
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(29)).signals.empty());
  EXPECT_EQ(only_signal(tracker.observe(poll_of({running()}), at(30))).kind, SignalKind::terminate);
}

TEST(Resume, ATerminatesGraceEndsWhenItWouldHaveEnded) {
  Tracker tracker = next_daemon(after_terminate(), kSameBoot, at(40));
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(89)).changes.empty());
  const Orders orders = tracker.observe(poll_of({running()}), at(90));
  EXPECT_EQ(only_change(orders).to, Stage::unresponsive);
  EXPECT_TRUE(orders.signals.empty());
  EXPECT_EQ(orders.captures.size(), 1U);
}

TEST(Resume, AfterAnotherBootAGraceRunsAnew) {
  Tracker tracker = next_daemon(after_cancel(), kAnotherBoot, at(1000));
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(1029)).signals.empty());
  EXPECT_EQ(
      only_signal(tracker.observe(poll_of({running()}), at(1030))).kind,
      SignalKind::terminate
  );
}

TEST(Resume, AMomentThatIsStillToComeCountsAsNow) {
  Tracker tracker = next_daemon(after_cancel(), kSameBoot, at(-500));
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(-471)).signals.empty());
  EXPECT_EQ(
      only_signal(tracker.observe(poll_of({running()}), at(-470))).kind,
      SignalKind::terminate
  );
}

TEST(Resume, ForGoesOnWhereItWas) {
  Rule rule = rule_of(RuleAction::terminate);
  rule.for_ = seconds(20);
  Tracker last = tracker_of({rule});
  EXPECT_TRUE(last.observe(poll_of({running()}), at(0)).signals.empty());
  Tracker tracker = tracker_of({rule});
  (void)tracker.resume(on_disk(last.saved()), kSameBoot, at(10));
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(19)).signals.empty());
  EXPECT_EQ(only_signal(tracker.observe(poll_of({running()}), at(20))).kind, SignalKind::cancel);
}

TEST(Resume, ACancelThatMayHaveBeenSentIsNeverSentAgainAndNothingFollowsIt) {
  Tracker last = terminating();
  (void)only_signal(last.observe(poll_of({running()}), at(0)));
  Tracker tracker = next_daemon(last, kSameBoot, at(5));
  std::size_t captures = 0;
  for (int second = 5; second < 500; second += 5) {
    const Orders orders = tracker.observe(poll_of({running()}), at(second));
    ASSERT_TRUE(orders.signals.empty()) << second;
    ASSERT_TRUE(second >= 35 || orders.captures.empty()) << second;
    captures += orders.captures.size();
  }
  EXPECT_GT(captures, 10U) << "it is looked at instead";
}

TEST(Resume, ATerminateThatMayHaveBeenSentLeadsToUnresponsiveAGraceLater) {
  Tracker last = after_cancel();
  (void)only_signal(last.observe(poll_of({running()}), at(30)));
  Tracker tracker = next_daemon(last, kSameBoot, at(40));
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(99)).changes.empty());
  const Orders orders = tracker.observe(poll_of({running()}), at(100));
  EXPECT_EQ(only_change(orders).to, Stage::unresponsive);
  EXPECT_TRUE(orders.signals.empty());
}

TEST(Resume, WhatEndedMeanwhileIsSaidToHaveEndedUnseen) {
  Tracker tracker = next_daemon(after_terminate(), kSameBoot, at(40));
  const StageChange end = only_change(tracker.observe(poll_of({}), at(41)));
  EXPECT_EQ(end.outcome, Outcome::terminated);
  EXPECT_TRUE(end.unseen);
  EXPECT_EQ(end.note, "backend gone, while pghangd was not running");
}

TEST(Resume, WhatEndsLaterIsSeen) {
  Tracker tracker = next_daemon(after_terminate(), kSameBoot, at(40));
  (void)tracker.observe(poll_of({running()}), at(41));
  const StageChange end = only_change(tracker.observe(poll_of({}), at(42)));
  EXPECT_FALSE(end.unseen);
  EXPECT_EQ(end.note, "backend gone");
}

TEST(Resume, TheNextStatementIsNotTerminatedForTheLastOne) {
  Tracker tracker = next_daemon(after_cancel(), kSameBoot, at(40));
  const Orders orders = tracker.observe(poll_of({next_statement(running())}), at(41));
  ASSERT_EQ(orders.changes.size(), 2U);
  EXPECT_EQ(orders.changes[0].outcome, Outcome::cancelled);
  EXPECT_EQ(only_signal(orders).kind, SignalKind::cancel) << "judged anew";
  EXPECT_NE(only_signal(orders).id, orders.changes[0].id);
}

TEST(Resume, AnotherBackendOfTheSamePidIsNotTheOneOfBefore) {
  Tracker tracker = next_daemon(after_cancel(), kSameBoot, at(40));
  Activity other = running();
  other.key.backend_start = testing::pg_time(11);
  const Orders orders = tracker.observe(poll_of({other}), at(41));
  EXPECT_EQ(orders.changes[0].outcome, Outcome::cancelled);
  EXPECT_EQ(only_signal(orders).kind, SignalKind::cancel);
}

TEST(Resume, AChangedRuleEndsItsSightingsButTheirGraceStays) {
  Rule changed = rule_of(RuleAction::cancel);
  Tracker tracker = tracker_of({changed});
  const Orders resumed = tracker.resume(on_disk(after_cancel().saved()), kSameBoot, at(5));
  EXPECT_EQ(only_change(resumed).outcome, Outcome::finished);
  EXPECT_EQ(only_change(resumed).sighting.rule_name, "stuck");
  EXPECT_TRUE(tracker.sightings().empty());
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(29)).signals.empty());
  EXPECT_EQ(only_signal(tracker.observe(poll_of({running()}), at(30))).kind, SignalKind::cancel);
}

TEST(Resume, AGraceThatAnEndedSightingLeftBehindIsHonoured) {
  Tracker last = after_cancel();
  (void)last.drop_all("failover", at(5));
  EXPECT_TRUE(last.sightings().empty());
  Tracker tracker = next_daemon(last, kSameBoot, at(6));
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(29)).signals.empty());
  EXPECT_EQ(only_signal(tracker.observe(poll_of({running()}), at(30))).kind, SignalKind::cancel);
}

TEST(Resume, AnIdIsNotGivenAgain) {
  const Tracker last = after_cancel();
  Tracker tracker = next_daemon(last, kSameBoot, at(5));
  EXPECT_EQ(tracker.sightings()[0]->id, last.sightings()[0]->id);
  const Orders orders = tracker.observe(poll_of({running(), running(5000)}), at(6));
  EXPECT_GT(only_signal(orders).id, last.sightings()[0]->id);
}

TEST(Resume, ASuppressionIsNotToldAgain) {
  Tracker last = tracker_of({rule_of(RuleAction::cancel)});
  EXPECT_EQ(last.observe(poll_of({idle_in_transaction()}), at(0)).suppressions.size(), 1U);
  Tracker tracker = tracker_of({rule_of(RuleAction::cancel)});
  (void)tracker.resume(on_disk(last.saved()), kSameBoot, at(5));
  EXPECT_TRUE(tracker.observe(poll_of({idle_in_transaction()}), at(6)).suppressions.empty());
}

TEST(Resume, AnExemptionStays) {
  Activity waiting = running();
  waiting.wait_event_type = "IPC";
  waiting.wait_event = "SyncRep";
  Tracker last = terminating();
  EXPECT_TRUE(last.observe(poll_of({waiting}), at(0)).signals.empty());
  Tracker tracker = next_daemon(last, kSameBoot, at(5));
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(6)).signals.empty());
}

TEST(Resume, ABackendThatIsWatchedAlreadyKeepsItsSighting) {
  Tracker tracker = terminating();
  const SignalOrder order = only_signal(tracker.observe(poll_of({running()}), at(40)));
  std::vector<SavedSighting> saved = on_disk(after_cancel().saved());
  saved[0].id = 77;
  EXPECT_TRUE(tracker.resume(saved, kSameBoot, at(41)).changes.empty());
  ASSERT_EQ(tracker.sightings().size(), 1U);
  EXPECT_EQ(tracker.sightings()[0]->id, order.id);
}

/// Whatever was done before: with a restart in between the orders are the same.
TEST(Resume, IsNotSeenInWhatIsOrdered) {
  for (int restart = 1; restart < 40; ++restart) {
    Tracker one = terminating();
    Tracker two = terminating();
    for (int step = 0; step < 40; ++step) {
      if (step == restart) two = next_daemon(two, kSameBoot, at(step * 5));
      std::vector<Activity> rows{running(1), idle_in_transaction(2), running(3)};
      if (step > 30) rows.erase(rows.begin());
      if (step > 10) rows.back() = next_statement(rows.back());
      const auto act = [&](Tracker& tracker) {
        const Orders orders = tracker.observe(poll_of(rows), at(step * 5));
        std::string said;
        for (const StageChange& change : orders.changes)
          said += std::to_string(change.id) + to_string(change.to) + ' ';
        for (const CaptureOrder& capture : orders.captures)
          said += "capture" + std::to_string(capture.id) + ' ';
        for (const SignalOrder& order : orders.signals) {
          said += to_string(order.kind) + std::to_string(order.id) + ' ';
          const bool refused = order.guard.backend.pid == 3 && step < 20;
          const auto answer = refused ? SignalAnswer::refused : SignalAnswer::accepted;
          (void)tracker.signal_answered(order.id, order.kind, answer, "", at(step * 5));
        }
        return said;
      };
      ASSERT_EQ(act(one), act(two)) << "restart at step " << restart << ", seen at step " << step;
    }
  }
}

}  // namespace
}  // namespace pghang::escalation
