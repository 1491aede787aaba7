#include "daemon/escalation/budget.h"

#include <gtest/gtest.h>

#include "tests/daemon/escalation/builders.h"

namespace pghang::escalation {
namespace {

using testing::at;

BudgetSettings limits() {
  return {.actions_per_minute = 2, .actions_per_hour = 3, .share_percent = 10, .unresponsive = 2};
}

Budget budget_of(const Load& load = {.sessions = 100, .under_way = 0, .unresponsive = 0}) {
  Budget budget;
  budget.configure(limits());
  budget.polled(load);
  return budget;
}

TEST(Budget, WithoutSettingsHasNoLimit) {
  Budget budget;
  budget.polled({.sessions = 1, .under_way = 1000, .unresponsive = 1000});
  for (int i = 0; i < 100; ++i)
    budget.spend(true, at(0));
  EXPECT_EQ(budget.refuses(true, at(0)), std::nullopt);
}

TEST(Budget, AllowsSoManyInAnySixtySeconds) {
  Budget budget = budget_of();
  budget.spend(false, at(0));
  EXPECT_EQ(budget.refuses(false, at(50)), std::nullopt);
  budget.spend(false, at(50));
  EXPECT_EQ(budget.refuses(false, at(59)), Restraint::budget_minute);
  EXPECT_EQ(budget.refuses(false, at(60)), std::nullopt);
}

TEST(Budget, AllowsSoManyInAnyHour) {
  Budget budget = budget_of();
  for (const int second : {0, 100, 200})
    budget.spend(false, at(second));
  EXPECT_EQ(budget.refuses(false, at(3599)), Restraint::budget_hour);
  EXPECT_EQ(budget.refuses(false, at(3600)), std::nullopt);
}

TEST(Budget, CountsWhoIsUnderWayAndWhoseFirstSignalThisPollOrdered) {
  Budget budget = budget_of({.sessions = 29, .under_way = 1, .unresponsive = 0});
  EXPECT_EQ(budget.refuses(true, at(0)), std::nullopt) << "2 of 29 are within 10 %";
  budget.spend(true, at(0));
  EXPECT_EQ(budget.refuses(true, at(0)), Restraint::budget_share);
  EXPECT_EQ(budget.refuses(false, at(0)), std::nullopt) << "who is under way already, goes on";
}

TEST(Budget, AlwaysAllowsOneOfFewSessions) {
  Budget budget = budget_of({.sessions = 3, .under_way = 0, .unresponsive = 0});
  EXPECT_EQ(budget.refuses(true, at(0)), std::nullopt);
  budget.spend(true, at(0));
  EXPECT_EQ(budget.refuses(true, at(0)), Restraint::budget_share);
}

TEST(Budget, StopsEverythingWhileSoManyAreUnresponsive) {
  Budget budget = budget_of({.sessions = 100, .under_way = 1, .unresponsive = 1});
  EXPECT_EQ(budget.refuses(true, at(0)), std::nullopt);
  budget.polled({.sessions = 100, .under_way = 2, .unresponsive = 2});
  EXPECT_EQ(budget.refuses(false, at(0)), Restraint::budget_unresponsive);
}

TEST(Budget, KnowsAfterARestartWhatWasSpentAndWhen) {
  Budget before = budget_of();
  before.spend(false, at(0));
  before.spend(false, at(30));
  Budget after = budget_of();
  after.resume(before.saved(at(40)), true, at(50));
  EXPECT_EQ(after.refuses(false, at(59)), Restraint::budget_minute);
  EXPECT_EQ(after.refuses(false, at(60)), std::nullopt);
  after.spend(false, at(60));
  EXPECT_EQ(after.refuses(false, at(3599)), Restraint::budget_hour);
  EXPECT_EQ(after.refuses(false, at(3600)), std::nullopt);
}

TEST(Budget, CountsWhatWasSpentInAnotherBootAsIfItWasNow) {
  Budget before = budget_of();
  for (const int second : {1000, 1100, 1200})
    before.spend(false, at(second));
  Budget after = budget_of();
  after.resume(before.saved(at(1200)), false, at(10));
  EXPECT_EQ(after.refuses(false, at(3609)), Restraint::budget_hour);
  EXPECT_EQ(after.refuses(false, at(3610)), std::nullopt);
}

TEST(Budget, TakesAMomentThatIsStillToComeForNow) {
  Budget before = budget_of();
  for (int i = 0; i < 3; ++i)
    before.spend(false, at(5000));
  Budget after = budget_of();
  after.resume(before.saved(at(5000)), true, at(10));
  EXPECT_EQ(after.refuses(false, at(3609)), Restraint::budget_hour);
  EXPECT_EQ(after.refuses(false, at(3610)), std::nullopt);
}

TEST(Budget, AddsWhatTheLastDaemonSpentToWhatThisOneHasSpent) {
  Budget before = budget_of();
  before.spend(false, at(0));
  before.spend(false, at(100));
  Budget after = budget_of();
  after.spend(false, at(200));
  after.resume(before.saved(at(100)), true, at(300));
  EXPECT_EQ(after.refuses(false, at(3599)), Restraint::budget_hour);
  after.spend(false, at(3600));
  EXPECT_EQ(after.saved(at(3600)).size(), 3U) << "the oldest one is an hour ago";
}

TEST(Budget, SavesNothingThatAnHourHasPassedSince) {
  Budget budget = budget_of();
  budget.spend(false, at(0));
  EXPECT_EQ(budget.saved(at(3599)).size(), 1U);
  EXPECT_TRUE(budget.saved(at(3600)).empty());
}

}  // namespace
}  // namespace pghang::escalation
