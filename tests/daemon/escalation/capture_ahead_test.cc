#include <gtest/gtest.h>

#include "tests/daemon/escalation/machine_driver.h"
#include "tests/daemon/escalation/tracker_steps.h"

/// Evidence that is taken ahead of a signal.
namespace pghang::escalation {
namespace {

using testing::accept;
using testing::at;
using testing::Driver;
using testing::enforcing;
using testing::exact;
using testing::gone;
using testing::kCancelGrace;
using testing::kTerminateGrace;
using testing::moved_on;
using testing::observing;
using testing::only_signal;
using testing::paused;
using testing::poll_of;
using testing::rule_of;
using testing::running;
using testing::seconds;
using testing::tracker_of;

constexpr int kDeadline = 3;

Policy capturing(std::vector<CaptureMoment> moments) {
  Policy policy = enforcing(RuleAction::terminate);
  policy.capture = std::move(moments);
  policy.capture_deadline = seconds(kDeadline);
  return policy;
}

void end_capture(Driver& driver, int second) {
  EXPECT_EQ(driver.machine.advance(CaptureEnded{}, at(second)).step, Step::wait);
}

TEST(CaptureBeforeCancel, TakesTheSignalsPlaceUntilItHasEnded) {
  Driver driver(capturing({CaptureMoment::before_cancel}));
  EXPECT_EQ(driver.poll(0).step, Step::capture);
  EXPECT_EQ(driver.stage(), Stage::matched);
  EXPECT_EQ(driver.poll(1).step, Step::wait);
  end_capture(driver, 1);
  EXPECT_EQ(driver.poll(2).step, Step::send_cancel);
}

TEST(CaptureBeforeCancel, IsWaitedForNoLongerThanItsDeadline) {
  Driver driver(capturing({CaptureMoment::before_cancel}));
  EXPECT_EQ(driver.poll(0).step, Step::capture);
  EXPECT_EQ(driver.poll(kDeadline - 1).step, Step::wait);
  EXPECT_EQ(driver.poll(kDeadline).step, Step::send_cancel);
}

TEST(CaptureBeforeCancel, IsFollowedByNoSignalToWhatChangedMeanwhile) {
  for (const Polled& later : {moved_on(), gone(), paused()}) {
    Driver driver(capturing({CaptureMoment::before_cancel}));
    EXPECT_EQ(driver.poll(0).step, Step::capture);
    end_capture(driver, 1);
    EXPECT_EQ(driver.poll(2, later).step, Step::wait);
    EXPECT_EQ(driver.stage(), Stage::resolved);
  }
}

TEST(CaptureBeforeCancel, IsTakenOnceWhateverTheAnswer) {
  Driver driver(capturing({CaptureMoment::before_cancel}));
  EXPECT_EQ(driver.poll(0).step, Step::capture);
  end_capture(driver, 1);
  EXPECT_EQ(driver.poll(1).step, Step::send_cancel);
  driver.cancel(1, SignalAnswer::refused);
  EXPECT_EQ(driver.poll(1 + kCancelGrace).step, Step::send_cancel);
}

TEST(CaptureBeforeCancel, GoesAheadOfTheTerminateOfAnIdleSession) {
  Driver driver(capturing({CaptureMoment::before_cancel}), Judged::idle);
  EXPECT_EQ(driver.poll(0).step, Step::capture);
  end_capture(driver, 0);
  EXPECT_EQ(driver.poll(1).step, Step::send_terminate);
}

TEST(CaptureBeforeTerminate, LeavesTheCancelAlone) {
  Driver driver(capturing({CaptureMoment::before_terminate}));
  EXPECT_EQ(driver.poll(0).step, Step::send_cancel);
  driver.cancel(0, SignalAnswer::accepted);
  EXPECT_EQ(driver.poll(kCancelGrace).step, Step::capture);
  EXPECT_EQ(driver.stage(), Stage::cancel_sent);
  EXPECT_EQ(driver.poll(kCancelGrace + 1).step, Step::wait);
  end_capture(driver, kCancelGrace + 1);
  EXPECT_EQ(driver.poll(kCancelGrace + 2).step, Step::send_terminate);
}

TEST(CaptureBeforeBoth, IsTakenForEachSignal) {
  Driver driver(capturing({CaptureMoment::before_cancel, CaptureMoment::before_terminate}));
  EXPECT_EQ(driver.poll(0).step, Step::capture);
  end_capture(driver, 0);
  EXPECT_EQ(driver.poll(1).step, Step::send_cancel);
  driver.cancel(1, SignalAnswer::accepted);
  EXPECT_EQ(driver.poll(1 + kCancelGrace).step, Step::capture);
  EXPECT_EQ(driver.poll(1 + kCancelGrace + kDeadline).step, Step::send_terminate);
}

TEST(CaptureWhenUnresponsive, IsNotTakenWhereTheRuleDoesNotSay) {
  Driver driver(capturing({}));
  EXPECT_EQ(driver.poll(0).step, Step::send_cancel);
  driver.cancel(0, SignalAnswer::accepted);
  EXPECT_EQ(driver.poll(kCancelGrace).step, Step::send_terminate);
  driver.terminate(kCancelGrace, SignalAnswer::accepted);
  EXPECT_EQ(driver.poll(kCancelGrace + kTerminateGrace).step, Step::wait);
  EXPECT_EQ(driver.stage(), Stage::unresponsive);
}

TEST(CaptureInModeObserve, IsThatOfABackendThatWillNotBeSignalled) {
  Policy policy = observing();
  policy.capture = {CaptureMoment::before_cancel};
  EXPECT_EQ(Driver(policy).poll(0).step, Step::wait);
  policy.capture = {CaptureMoment::unresponsive};
  EXPECT_EQ(Driver(policy).poll(0).step, Step::capture);
}

TEST(TrackedCapture, IsOrderedWithTheSightingAndItsEndLetsTheSignalGo) {
  Rule rule = rule_of(RuleAction::terminate);
  rule.capture = {CaptureMoment::before_cancel};
  Tracker tracker = tracker_of({rule});
  tracker.bound_captures(seconds(60));
  const Orders first = tracker.observe(poll_of({running()}), at(0));
  ASSERT_EQ(first.captures.size(), 1U);
  EXPECT_TRUE(first.signals.empty());
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(1)).signals.empty());
  tracker.capture_ended(first.captures[0].id, at(2));
  EXPECT_EQ(only_signal(tracker.observe(poll_of({running()}), at(3))).kind, SignalKind::cancel);
}

TEST(TrackedFacts, DecideWhetherASightingBegins) {
  Rule rule = rule_of(RuleAction::terminate);
  rule.match.blocking_at_least = 2;
  Tracker tracker = tracker_of({rule});
  EXPECT_TRUE(tracker.observe(poll_of({running()}), at(0)).changes.empty());
  BackendFacts facts;
  facts.blocked_behind = 2;
  const SignalOrder order =
      only_signal(tracker.observe(poll_of({running()}), at(1), {{running().key, facts}}));
  static_cast<void>(accept(tracker, order, at(1)));
  EXPECT_EQ(tracker.observe(poll_of({running()}), at(2)).changes.size(), 0U)
      << "after a signal only the identity counts";
}

TEST(TrackedFacts, ThatAreNotKnownAnyMoreEndASightingThatWasNotSignalled) {
  Rule rule = rule_of(RuleAction::observe);
  rule.match.blocking_at_least = 2;
  Tracker tracker = tracker_of({rule});
  BackendFacts facts;
  facts.blocked_behind = 2;
  EXPECT_EQ(
      tracker.observe(poll_of({running()}), at(1), {{running().key, facts}}).changes.size(),
      1U
  );
  const Orders later = tracker.observe(poll_of({running()}), at(2));
  ASSERT_EQ(later.changes.size(), 1U);
  EXPECT_EQ(later.changes[0].to, Stage::resolved);
}

}  // namespace
}  // namespace pghang::escalation
