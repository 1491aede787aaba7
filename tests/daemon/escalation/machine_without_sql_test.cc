#include <gtest/gtest.h>

#include "tests/daemon/escalation/machine_driver.h"

/// A sighting while SQL does not work.
namespace pghang::escalation::testing {
namespace {

ProcessSeen process_there() {
  return {.present = true, .same_statement = true, .terminate_pending = false, .hindrance = {}};
}

ProcessSeen hindered(const char* reason) {
  ProcessSeen seen = process_there();
  seen.hindrance = reason;
  return seen;
}

ProcessSeen unsure() {
  ProcessSeen seen = process_there();
  seen.same_statement = false;
  return seen;
}

Action look(Driver& driver, int second, const ProcessSeen& seen = process_there()) {
  return driver.machine.advance(seen, at(second));
}

/// Matched at 0, refused at 0: the next signal is due a grace later.
Driver matched() {
  Driver driver(enforcing(RuleAction::terminate));
  EXPECT_EQ(driver.poll(0).step, Step::send_cancel);
  EXPECT_EQ(driver.cancel(0, SignalAnswer::unknown).step, Step::wait);
  EXPECT_EQ(driver.stage(), Stage::matched);
  return driver;
}

TEST(WithoutSql, WatchingStandsStill) {
  Driver driver(waiting(10));
  driver.poll(0);
  EXPECT_EQ(look(driver, 100).step, Step::wait);
  EXPECT_EQ(driver.stage(), Stage::watching);
}

TEST(WithoutSql, AMatchedOneIsCancelledWhereNothingHinders) {
  Driver driver = matched();
  EXPECT_EQ(look(driver, kCancelGrace - 1).step, Step::wait) << "the hold-off";
  EXPECT_EQ(look(driver, kCancelGrace).step, Step::send_cancel);
  EXPECT_EQ(look(driver, kCancelGrace + 1).step, Step::wait) << "unanswered";
}

TEST(WithoutSql, AHindranceIsToldOnceAndCapturesGoOn) {
  Driver driver = matched();
  const Action first = look(driver, kCancelGrace, hindered(kWithoutSql));
  EXPECT_EQ(first.step, Step::capture);
  EXPECT_EQ(first.suppressed, kWithoutSql);
  const Action second = look(driver, kCancelGrace + kCaptureRepeat, hindered(kWithoutSql));
  EXPECT_EQ(second.step, Step::capture);
  EXPECT_EQ(second.suppressed, std::nullopt);
  EXPECT_EQ(driver.stage(), Stage::matched);
  EXPECT_EQ(driver.poll(100).step, Step::send_cancel) << "SQL is back";
}

TEST(WithoutSql, DoubtAboutTheStatementIsAHindrance) {
  Driver driver = matched();
  EXPECT_EQ(look(driver, kCancelGrace, unsure()).suppressed, kUndecidedWithoutSql);
  Driver sent = cancel_sent();
  EXPECT_EQ(look(sent, kCancelGrace, unsure()).suppressed, kUndecidedWithoutSql);
  EXPECT_EQ(sent.stage(), Stage::cancel_sent);
}

TEST(WithoutSql, ATerminateFollowsTheCancelsGrace) {
  Driver driver = cancel_sent();
  EXPECT_EQ(look(driver, kCancelGrace - 1).step, Step::wait);
  EXPECT_EQ(look(driver, kCancelGrace).step, Step::send_terminate);
  driver.terminate(kCancelGrace, SignalAnswer::accepted);
  EXPECT_EQ(driver.stage(), Stage::terminate_sent);
  EXPECT_EQ(look(driver, kCancelGrace + kTerminateGrace - 1).step, Step::wait);
  EXPECT_EQ(look(driver, kCancelGrace + kTerminateGrace).step, Step::capture);
  EXPECT_EQ(driver.stage(), Stage::unresponsive);
}

TEST(WithoutSql, AHinderedTerminateWaitsForSql) {
  Driver driver = cancel_sent();
  EXPECT_EQ(look(driver, kCancelGrace, hindered(kUndecidedWithoutSql)).step, Step::capture);
  EXPECT_EQ(driver.stage(), Stage::cancel_sent);
  EXPECT_EQ(driver.poll(kCancelGrace + 1).step, Step::send_terminate);
}

TEST(WithoutSql, WhatGoesNoFurtherThanCancelBecomesUnresponsive) {
  Driver driver = cancel_sent(RuleAction::cancel);
  look(driver, kCancelGrace, unsure());
  EXPECT_EQ(driver.stage(), Stage::cancel_sent) << "perhaps another statement";
  look(driver, kCancelGrace + 1);
  EXPECT_EQ(driver.stage(), Stage::unresponsive);
}

TEST(WithoutSql, AnExemptOneIsNeverSignalled) {
  Driver driver(enforcing(RuleAction::terminate));
  driver.poll(0, seen(Exemption::superuser));
  for (int second = 1; second < 200; second += 10)
    EXPECT_NE(look(driver, second).step, Step::send_cancel);
  EXPECT_EQ(driver.stage(), Stage::matched);
}

TEST(WithoutSql, AnIgnoredTerminateOfSomebodyElseIsSeen) {
  Driver driver(observing());
  driver.poll(0);
  ProcessSeen pending = process_there();
  pending.terminate_pending = true;
  look(driver, 1, pending);
  EXPECT_EQ(driver.stage(), Stage::matched);
  look(driver, 1 + kTerminateGrace, pending);
  EXPECT_EQ(driver.stage(), Stage::unresponsive);
}

TEST(WithoutSql, AnEndedProcessEndsTheSighting) {
  ProcessSeen gone;
  gone.present = false;
  Driver sent = terminate_sent();
  EXPECT_EQ(look(sent, 40, gone).outcome, Outcome::terminated);
  Driver other = matched();
  EXPECT_EQ(look(other, 40, gone).outcome, Outcome::finished);
}

}  // namespace
}  // namespace pghang::escalation::testing
