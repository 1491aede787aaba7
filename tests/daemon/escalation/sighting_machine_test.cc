#include <gtest/gtest.h>

#include "tests/daemon/escalation/machine_driver.h"

namespace pghang::escalation {
namespace {

using testing::at;
using testing::Driver;
using testing::enforcing;
using testing::gone;
using testing::kCaptureRepeat;
using testing::moved_on;
using testing::observing;
using testing::paused;
using testing::seen;
using testing::terminate_sent;
using testing::waiting;

TEST(Watching, TheRuleFiresOnceForHasPassed) {
  Driver driver(waiting(20));
  EXPECT_EQ(driver.poll(0).step, Step::wait);
  EXPECT_EQ(driver.poll(19).step, Step::wait);
  EXPECT_EQ(driver.stage(), Stage::watching);
  EXPECT_EQ(driver.poll(20).step, Step::send_cancel);
  EXPECT_EQ(driver.stage(), Stage::matched);
  EXPECT_EQ(driver.machine.stage_since(), at(20));
}

TEST(Watching, WithoutForItFiresInItsFirstPoll) {
  Driver driver(enforcing(RuleAction::cancel));
  EXPECT_EQ(driver.poll(0).step, Step::send_cancel);
  EXPECT_EQ(driver.stage(), Stage::matched);
}

TEST(Watching, APollInWhichTheCriteriaFailEndsIt) {
  Driver driver(waiting(20));
  driver.poll(0);
  EXPECT_EQ(driver.poll(5, paused()).outcome, Outcome::finished);
  EXPECT_EQ(driver.stage(), Stage::resolved);
}

TEST(Watching, AnotherStatementEndsIt) {
  Driver driver(waiting(20));
  driver.poll(0);
  EXPECT_EQ(driver.poll(5, moved_on()).outcome, Outcome::finished);
  EXPECT_EQ(driver.stage(), Stage::resolved);
}

TEST(Watching, AForOfCenturiesNeverFires) {
  Policy policy = enforcing(RuleAction::terminate);
  policy.for_ = Duration::max();
  Driver driver(policy);
  EXPECT_EQ(driver.poll(1'000'000).step, Step::wait);
  EXPECT_EQ(driver.stage(), Stage::watching);
}

TEST(Watching, AnExemptionThatEndsBeforeTheMatchIsForgotten) {
  Driver driver(waiting(20));
  driver.poll(0, seen(Exemption::sync_rep));
  EXPECT_EQ(driver.machine.exemption(), Exemption::sync_rep);
  EXPECT_EQ(driver.poll(20).step, Step::send_cancel);
  EXPECT_EQ(driver.machine.exemption(), std::nullopt);
}

TEST(Matched, AnIdleBackendIsTerminatedWithoutACancel) {
  Driver driver(enforcing(RuleAction::terminate), Judged::idle);
  EXPECT_EQ(driver.poll(0).step, Step::send_terminate);
  EXPECT_EQ(driver.stage(), Stage::matched);
  driver.terminate(0, SignalAnswer::accepted);
  EXPECT_EQ(driver.stage(), Stage::terminate_sent);
}

TEST(Matched, AnIdleBackendIsNotTerminatedByARuleThatOnlyCancels) {
  Driver driver(enforcing(RuleAction::cancel), Judged::idle);
  const Action action = driver.poll(0);
  EXPECT_EQ(action.step, Step::capture);
  EXPECT_EQ(action.suppressed, "idle_ignores_cancel");
  EXPECT_EQ(driver.stage(), Stage::matched);
}

TEST(Matched, WhatCannotBeToldApartIsNotSignalled) {
  Driver driver(enforcing(RuleAction::terminate), Judged::unidentified);
  EXPECT_EQ(driver.poll(0).suppressed, "no_identity");
  EXPECT_EQ(driver.stage(), Stage::matched);
}

TEST(Matched, NothingIsOrderedWhileAnAnswerIsOutstanding) {
  Driver driver(enforcing(RuleAction::terminate));
  ASSERT_EQ(driver.poll(0).step, Step::send_cancel);
  EXPECT_EQ(driver.poll(5).step, Step::wait);
  EXPECT_EQ(driver.poll(1000).step, Step::wait);
  EXPECT_EQ(driver.poll(1001, paused()).outcome, std::nullopt);
  EXPECT_EQ(driver.stage(), Stage::matched);
}

TEST(Matched, AnAnswerToAnotherSignalIsNoAnswer) {
  Driver driver(enforcing(RuleAction::terminate));
  driver.poll(0);
  driver.terminate(1, SignalAnswer::accepted);
  EXPECT_EQ(driver.stage(), Stage::matched);
  EXPECT_EQ(driver.machine.terminate_accepted_at(), std::nullopt);
  driver.cancel(2, SignalAnswer::accepted);
  driver.cancel(3, SignalAnswer::accepted);
  EXPECT_EQ(driver.machine.cancel_accepted_at(), at(2));
}

TEST(Matched, AStatementThatEndsBeforeAnAcceptedSignalFinished) {
  for (const Polled& end : {moved_on(), gone()}) {
    Driver driver(enforcing(RuleAction::terminate));
    driver.poll(0);
    EXPECT_EQ(driver.poll(5, end).outcome, Outcome::finished);
    EXPECT_EQ(driver.stage(), Stage::resolved);
  }
}

TEST(Matched, CriteriaThatStopHoldingEndAMatchThatIsOnlyObserved) {
  Driver driver(observing());
  driver.poll(0);
  EXPECT_EQ(driver.poll(5, paused()).outcome, Outcome::finished);
  EXPECT_EQ(driver.stage(), Stage::resolved);
}

TEST(Matched, ASupersededSignalEndsIt) {
  Driver driver(enforcing(RuleAction::terminate));
  driver.poll(0);
  EXPECT_EQ(driver.cancel(1, SignalAnswer::superseded).outcome, Outcome::superseded);
  EXPECT_EQ(driver.stage(), Stage::resolved);
}

TEST(Suppressed, ModeObserveSendsNothingAndSaysSoOnce) {
  Driver driver(observing());
  EXPECT_EQ(driver.poll(0).suppressed, "mode_observe");
  EXPECT_EQ(driver.poll(5).suppressed, std::nullopt);
  EXPECT_EQ(driver.poll(1000).step, Step::capture);
  EXPECT_EQ(driver.stage(), Stage::matched);
}

TEST(Suppressed, ARuleThatObservesSendsNothingInEnforce) {
  Driver driver(enforcing(RuleAction::observe));
  const Action action = driver.poll(0, seen(Exemption::superuser));
  EXPECT_EQ(action.suppressed, "rule_observe");
  EXPECT_EQ(action.step, Step::capture);
  EXPECT_EQ(driver.stage(), Stage::matched);
  EXPECT_EQ(driver.poll(5, gone()).outcome, Outcome::finished);
}

TEST(Suppressed, AnExemptBackendIsNeverSignalledAndEndsAsExempt) {
  Driver driver(enforcing(RuleAction::terminate));
  EXPECT_EQ(driver.poll(0, seen(Exemption::superuser)).suppressed, "superuser");
  EXPECT_EQ(driver.stage(), Stage::matched);
  EXPECT_EQ(driver.poll(5, gone()).outcome, Outcome::exempt);
}

TEST(Suppressed, AnExemptionStaysOnceItWasSeen) {
  Driver driver(enforcing(RuleAction::terminate));
  driver.poll(0, seen(Exemption::sync_rep));
  EXPECT_EQ(driver.poll(5).step, Step::wait);
  EXPECT_EQ(driver.poll(kCaptureRepeat).step, Step::capture);
  EXPECT_EQ(driver.machine.exemption(), Exemption::sync_rep);
}

TEST(Suppressed, CapturesRepeat) {
  Driver driver(observing());
  EXPECT_EQ(driver.poll(0).step, Step::capture);
  EXPECT_EQ(driver.poll(kCaptureRepeat - 1).step, Step::wait);
  EXPECT_EQ(driver.poll(kCaptureRepeat).step, Step::capture);
  EXPECT_EQ(driver.poll(2 * kCaptureRepeat - 1).step, Step::wait);
}

TEST(Suppressed, ATurnToEnforceActsOnTheNextPoll) {
  Driver driver(observing());
  driver.poll(0);
  driver.machine.set_policy(enforcing(RuleAction::terminate));
  EXPECT_EQ(driver.poll(5).step, Step::send_cancel);
  EXPECT_EQ(driver.stage(), Stage::matched);
}

}  // namespace
}  // namespace pghang::escalation
