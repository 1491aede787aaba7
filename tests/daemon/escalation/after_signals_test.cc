#include <gtest/gtest.h>

#include "tests/daemon/escalation/machine_driver.h"

namespace pghang::escalation {
namespace {

using testing::at;
using testing::cancel_sent;
using testing::Driver;
using testing::enforcing;
using testing::gone;
using testing::kCancelGrace;
using testing::kCaptureRepeat;
using testing::kTerminateGrace;
using testing::moved_on;
using testing::observing;
using testing::paused;
using testing::seen;
using testing::terminate_sent;

TEST(CancelSent, TheGraceRunsFromTheAnswer) {
  Driver driver(enforcing(RuleAction::terminate));
  driver.poll(0);
  driver.cancel(7, SignalAnswer::accepted);
  EXPECT_EQ(driver.machine.cancel_accepted_at(), at(7));
  EXPECT_EQ(driver.poll(kCancelGrace + 6).step, Step::wait);
  EXPECT_EQ(driver.stage(), Stage::cancel_sent);
  EXPECT_EQ(driver.poll(kCancelGrace + 7).step, Step::send_terminate);
  EXPECT_EQ(driver.stage(), Stage::cancel_sent);
}

TEST(CancelSent, AStatementThatEndsWasCancelled) {
  for (const Polled& end : {moved_on(), gone()}) {
    Driver driver = cancel_sent();
    EXPECT_EQ(driver.poll(5, end).outcome, Outcome::cancelled);
    EXPECT_EQ(driver.stage(), Stage::resolved);
  }
}

TEST(CancelSent, AStatementThatEndsAfterTheGraceIsNotTerminated) {
  Driver driver = cancel_sent();
  const Action action = driver.poll(kCancelGrace + 1, moved_on());
  EXPECT_EQ(action.step, Step::wait);
  EXPECT_EQ(action.outcome, Outcome::cancelled);
}

TEST(CancelSent, CriteriaNoLongerMatter) {
  Driver driver = cancel_sent();
  EXPECT_EQ(driver.poll(5, paused()).outcome, std::nullopt);
  EXPECT_EQ(driver.stage(), Stage::cancel_sent);
  EXPECT_EQ(driver.poll(kCancelGrace, paused()).step, Step::send_terminate);
}

TEST(CancelSent, ARuleThatOnlyCancelsEndsUnresponsive) {
  Driver driver = cancel_sent(RuleAction::cancel);
  EXPECT_EQ(driver.poll(kCancelGrace - 1).step, Step::wait);
  EXPECT_EQ(driver.stage(), Stage::cancel_sent);
  EXPECT_EQ(driver.poll(kCancelGrace).step, Step::capture);
  EXPECT_EQ(driver.stage(), Stage::unresponsive);
}

TEST(CancelSent, AnExemptionForbidsTheTerminate) {
  Driver driver = cancel_sent();
  const Action action = driver.poll(kCancelGrace, seen(Exemption::sync_rep));
  EXPECT_EQ(action.step, Step::capture);
  EXPECT_EQ(action.suppressed, "sync_rep");
  EXPECT_EQ(driver.stage(), Stage::unresponsive);
}

TEST(CancelSent, ATurnToObserveForbidsTheTerminate) {
  Driver driver = cancel_sent();
  driver.machine.set_policy(observing());
  const Action action = driver.poll(kCancelGrace);
  EXPECT_EQ(action.step, Step::capture);
  EXPECT_EQ(action.suppressed, "mode_observe");
  EXPECT_EQ(driver.stage(), Stage::unresponsive);
}

TEST(CancelSent, ASupersededTerminateMeansTheStatementWasCancelled) {
  Driver driver = cancel_sent();
  driver.poll(kCancelGrace);
  EXPECT_EQ(driver.terminate(kCancelGrace, SignalAnswer::superseded).outcome, Outcome::cancelled);
  EXPECT_EQ(driver.stage(), Stage::resolved);
}

TEST(TerminateSent, OnlyTheBackendCounts) {
  Driver driver = terminate_sent();
  EXPECT_EQ(driver.poll(kCancelGrace + 5, moved_on()).outcome, std::nullopt);
  EXPECT_EQ(driver.stage(), Stage::terminate_sent);
  EXPECT_EQ(driver.poll(kCancelGrace + 10, gone()).outcome, Outcome::terminated);
  EXPECT_EQ(driver.stage(), Stage::resolved);
}

TEST(TerminateSent, TurnsUnresponsiveWhenItsGraceHasPassed) {
  Driver driver = terminate_sent();
  const int passed = kCancelGrace + kTerminateGrace;
  EXPECT_EQ(driver.poll(passed - 1).step, Step::wait);
  EXPECT_EQ(driver.stage(), Stage::terminate_sent);
  EXPECT_EQ(driver.poll(passed).step, Step::capture);
  EXPECT_EQ(driver.stage(), Stage::unresponsive);
}

TEST(Unresponsive, IsCapturedAtOnceAndAgainAndNeverSignalled) {
  Driver driver = terminate_sent();
  const int start = kCancelGrace + kTerminateGrace;
  EXPECT_EQ(driver.poll(start).step, Step::capture);
  for (int i = 1; i < 20; ++i) {
    EXPECT_EQ(driver.poll(start + i * kCaptureRepeat - 1).step, Step::wait);
    EXPECT_EQ(driver.poll(start + i * kCaptureRepeat).step, Step::capture);
  }
  EXPECT_EQ(driver.stage(), Stage::unresponsive);
}

TEST(Unresponsive, ResolvesItselfWhenTheBackendGoes) {
  Driver driver = terminate_sent();
  driver.poll(kCancelGrace + kTerminateGrace);
  EXPECT_EQ(driver.poll(200, moved_on()).outcome, std::nullopt);
  EXPECT_EQ(driver.poll(201, gone()).outcome, Outcome::self_resolved);
  EXPECT_EQ(driver.stage(), Stage::resolved);
}

TEST(Unresponsive, AfterACancelItResolvesItselfWithTheStatement) {
  Driver driver = cancel_sent(RuleAction::cancel);
  driver.poll(kCancelGrace);
  EXPECT_EQ(driver.poll(kCancelGrace + 1, moved_on()).outcome, Outcome::self_resolved);
  EXPECT_EQ(driver.stage(), Stage::resolved);
}

TEST(SomebodysTerminate, IgnoredForAGraceItMakesAMatchUnresponsive) {
  Driver driver(observing());
  driver.poll(0);
  EXPECT_EQ(driver.pending(1, true).step, Step::wait);
  EXPECT_EQ(driver.pending(kTerminateGrace, true).step, Step::wait);
  EXPECT_EQ(driver.stage(), Stage::matched);
  EXPECT_EQ(driver.pending(kTerminateGrace + 1, true).step, Step::capture);
  EXPECT_EQ(driver.stage(), Stage::unresponsive);
  EXPECT_EQ(driver.poll(100, moved_on()).outcome, Outcome::self_resolved);
}

TEST(SomebodysTerminate, ThatIsServedStartsItsClockAnew) {
  Driver driver(observing());
  driver.poll(0);
  driver.pending(1, true);
  driver.pending(30, false);
  EXPECT_EQ(driver.pending(kTerminateGrace + 1, true).step, Step::wait);
  EXPECT_EQ(driver.stage(), Stage::matched);
}

TEST(SomebodysTerminate, DoesNotMatterWhileOurOwnGraceRuns) {
  Driver driver = cancel_sent();
  driver.pending(1, true);
  EXPECT_EQ(driver.pending(1000, true).step, Step::wait);
  EXPECT_EQ(driver.stage(), Stage::cancel_sent);
}

TEST(SomebodysTerminate, OvertakesAnUnansweredSignalWhichNeverMovesTheStageBack) {
  Driver driver(enforcing(RuleAction::terminate));
  ASSERT_EQ(driver.poll(0).step, Step::send_cancel);
  driver.pending(0, true);
  driver.pending(kTerminateGrace, true);
  ASSERT_EQ(driver.stage(), Stage::unresponsive);
  driver.cancel(kTerminateGrace + 1, SignalAnswer::accepted);
  EXPECT_EQ(driver.stage(), Stage::unresponsive);
  EXPECT_EQ(driver.machine.cancel_accepted_at(), at(kTerminateGrace + 1));
  EXPECT_EQ(driver.poll(1000).step, Step::capture);
}

TEST(Resolved, NothingMovesItAnyMore) {
  Driver driver(enforcing(RuleAction::terminate));
  driver.poll(0);
  EXPECT_EQ(driver.machine.advance(Dropped{"failover"}, at(1)).outcome, Outcome::finished);
  EXPECT_EQ(driver.poll(1000).step, Step::wait);
  EXPECT_EQ(driver.cancel(1000, SignalAnswer::accepted).outcome, std::nullopt);
  EXPECT_EQ(driver.stage(), Stage::resolved);
}

}  // namespace
}  // namespace pghang::escalation
