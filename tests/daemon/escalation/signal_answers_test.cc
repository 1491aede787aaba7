#include <gtest/gtest.h>

#include "tests/daemon/escalation/machine_driver.h"

namespace pghang::escalation {
namespace {

using std::chrono::seconds;
using testing::at;
using testing::cancel_sent;
using testing::Driver;
using testing::enforcing;
using testing::gone;
using testing::kCancelGrace;
using testing::kTerminateGrace;
using testing::moved_on;
using testing::paused;
using testing::seen;

TEST(Refused, RefusedCancelDoesNotStartTheGracePeriod) {
  Driver driver(enforcing(RuleAction::terminate));
  driver.poll(0);
  driver.cancel(0, SignalAnswer::refused);
  EXPECT_EQ(driver.stage(), Stage::matched);
  EXPECT_EQ(driver.machine.cancel_accepted_at(), std::nullopt);
  EXPECT_EQ(driver.poll(kCancelGrace).step, Step::send_cancel);
}

TEST(Refused, IsTriedAgainNoEarlierThanAGraceLater) {
  Driver driver(enforcing(RuleAction::terminate));
  driver.poll(0);
  driver.cancel(2, SignalAnswer::refused);
  EXPECT_EQ(driver.poll(kCancelGrace + 1).step, Step::wait);
  EXPECT_EQ(driver.poll(kCancelGrace + 2).step, Step::send_cancel);
  EXPECT_EQ(driver.stage(), Stage::matched);
}

TEST(Refused, AfterThreeRefusalsItIsOnlyCaptured) {
  Driver driver(enforcing(RuleAction::terminate));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(driver.poll(i * kCancelGrace).step, Step::send_cancel);
    driver.cancel(i * kCancelGrace, SignalAnswer::refused);
  }
  EXPECT_EQ(driver.poll(3 * kCancelGrace).step, Step::capture);
  EXPECT_EQ(driver.poll(4 * kCancelGrace).step, Step::capture);
  EXPECT_EQ(driver.stage(), Stage::matched);
  EXPECT_EQ(driver.poll(5 * kCancelGrace, gone()).outcome, Outcome::refused);
}

TEST(Refused, ABackendThatWasGoneWhenItWasRefusedFinished) {
  Driver driver(enforcing(RuleAction::terminate));
  driver.poll(0);
  driver.cancel(0, SignalAnswer::refused);
  EXPECT_EQ(driver.poll(5, gone()).outcome, Outcome::finished);
}

TEST(Refused, ABackendThatWasStillSeenAfterwardsEndsAsRefused) {
  Driver driver(enforcing(RuleAction::terminate));
  driver.poll(0);
  driver.cancel(0, SignalAnswer::refused);
  EXPECT_EQ(driver.poll(5).step, Step::wait);
  EXPECT_EQ(driver.poll(10, gone()).outcome, Outcome::refused);
}

TEST(Refused, ARefusalIsForgottenOnceASignalIsAccepted) {
  Driver driver(enforcing(RuleAction::terminate));
  driver.poll(0);
  driver.cancel(0, SignalAnswer::refused);
  driver.poll(kCancelGrace);
  driver.cancel(kCancelGrace, SignalAnswer::accepted);
  EXPECT_EQ(driver.stage(), Stage::cancel_sent);
  EXPECT_EQ(driver.poll(kCancelGrace + 1, gone()).outcome, Outcome::cancelled);
}

TEST(Refused, CriteriaThatPauseDoNotShortenTheWait) {
  Driver driver(enforcing(RuleAction::terminate));
  driver.poll(0);
  driver.cancel(0, SignalAnswer::refused);
  EXPECT_EQ(driver.poll(kCancelGrace - 1, paused()).outcome, std::nullopt);
  EXPECT_EQ(driver.poll(kCancelGrace, paused()).outcome, Outcome::refused);
  EXPECT_EQ(driver.stage(), Stage::resolved);
}

TEST(Refused, ATerminateRefusedThreeTimesLeavesItUnresponsive) {
  Driver driver = cancel_sent();
  int now = kCancelGrace;
  for (int i = 0; i < 3; ++i, now += kTerminateGrace) {
    EXPECT_EQ(driver.poll(now).step, Step::send_terminate);
    driver.terminate(now, SignalAnswer::refused);
    EXPECT_EQ(driver.poll(now + kTerminateGrace - 1).step, Step::wait);
    EXPECT_EQ(driver.stage(), Stage::cancel_sent);
  }
  EXPECT_EQ(driver.poll(now).step, Step::capture);
  EXPECT_EQ(driver.stage(), Stage::unresponsive);
}

TEST(Unknown, TheSameSignalIsSentOnceMoreAGraceLater) {
  Driver driver(enforcing(RuleAction::terminate));
  driver.poll(0);
  driver.cancel(1, SignalAnswer::unknown);
  EXPECT_EQ(driver.stage(), Stage::matched);
  EXPECT_EQ(driver.poll(kCancelGrace).step, Step::wait);
  EXPECT_EQ(driver.poll(kCancelGrace + 1).step, Step::send_cancel);
  driver.cancel(kCancelGrace + 1, SignalAnswer::unknown);
  EXPECT_EQ(driver.poll(2 * kCancelGrace + 1).step, Step::capture);
  EXPECT_EQ(driver.poll(10 * kCancelGrace).step, Step::capture);
  EXPECT_EQ(driver.stage(), Stage::matched);
}

TEST(Unknown, ATerminateThatMayHaveBeenSentDoesNotSettleForTheBackend) {
  Driver driver = cancel_sent();
  driver.poll(kCancelGrace);
  driver.terminate(kCancelGrace, SignalAnswer::unknown);
  EXPECT_EQ(driver.stage(), Stage::cancel_sent);
  EXPECT_EQ(driver.poll(kCancelGrace + 5, moved_on()).outcome, Outcome::cancelled);
}

TEST(Unknown, ACancelThatCameToNothingIsNotExemptLater) {
  Driver driver(enforcing(RuleAction::terminate));
  driver.poll(0);
  driver.cancel(0, SignalAnswer::unknown);
  driver.poll(5, seen(Exemption::sync_rep));
  EXPECT_EQ(driver.poll(10, gone()).outcome, Outcome::finished);
}

TEST(HoldOffs, AnInheritedOneDelaysTheFirstSignal) {
  SightingMachine machine(
      enforcing(RuleAction::terminate),
      Judged::running,
      HoldOff{.since = at(-10), .length = seconds(30)},
      at(0)
  );
  EXPECT_EQ(machine.advance(seen(), at(19)).step, Step::wait);
  EXPECT_EQ(machine.stage(), Stage::matched);
  EXPECT_EQ(machine.advance(seen(), at(20)).step, Step::send_cancel);
}

TEST(HoldOffs, AnUnansweredSignalMayHaveBeenSentJustNow) {
  Driver driver(enforcing(RuleAction::terminate));
  EXPECT_FALSE(driver.machine.hold_off(at(0)).has_value());
  driver.poll(0);
  ASSERT_TRUE(driver.machine.hold_off(at(500)).has_value());
  EXPECT_EQ(driver.machine.hold_off(at(500))->since, at(500));
}

}  // namespace
}  // namespace pghang::escalation
