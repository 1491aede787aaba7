#include "daemon/escalation/breaker.h"

#include <gtest/gtest.h>

#include "tests/daemon/escalation/builders.h"

namespace pghang::escalation {
namespace {

using std::chrono::seconds;
using testing::at;
using Change = Breaker::Change;

constexpr std::uint64_t kSessions = 100;

/// More than 5 above the least of the last 60 s; closes after 30 s without a new high.
Breaker breaker() {
  Breaker breaker;
  breaker.configure({.jump = 5, .jump_percent = 3, .window = seconds(60), .quiet = seconds(30)});
  return breaker;
}

TEST(Breaker, OpensWhenMatchesRiseByMoreThanTheJump) {
  Breaker breaker = escalation::breaker();
  EXPECT_EQ(breaker.polled(5, kSessions, at(0)), std::nullopt);
  EXPECT_EQ(breaker.polled(2, kSessions, at(10)), std::nullopt);
  EXPECT_EQ(breaker.polled(5, kSessions, at(20)), std::nullopt) << "5 above 0, and 3 above 2";
  EXPECT_EQ(breaker.polled(6, kSessions, at(30)), Change::opened) << "it was 0 before the first";
  EXPECT_TRUE(breaker.open());
  EXPECT_EQ(breaker.before(), 0U);
}

TEST(Breaker, ComparesWithTheLeastOfTheWindowOnly) {
  Breaker breaker = escalation::breaker();
  EXPECT_EQ(breaker.polled(4, kSessions, at(0)), std::nullopt);
  EXPECT_EQ(breaker.polled(5, kSessions, at(30)), std::nullopt);
  EXPECT_EQ(breaker.polled(9, kSessions, at(61)), std::nullopt) << "the 0 and the 4 are too old";
  EXPECT_EQ(breaker.polled(12, kSessions, at(62)), Change::opened) << "7 above the 5";
  EXPECT_EQ(breaker.before(), 5U);
}

TEST(Breaker, AShareOfTheSessionsCountsWhereItIsMore) {
  Breaker breaker = escalation::breaker();
  EXPECT_EQ(breaker.polled(30, 1000, at(0)), std::nullopt);
  EXPECT_EQ(breaker.polled(31, 1000, at(1)), Change::opened);
}

TEST(Breaker, OpensWithTheFirstPollOfAllWhenThatMatchesMany) {
  Breaker breaker = escalation::breaker();
  EXPECT_EQ(breaker.polled(6, kSessions, at(0)), Change::opened);
}

TEST(Breaker, ClosesAfterItsQuietTimeWithoutANewHigh) {
  Breaker breaker = escalation::breaker();
  ASSERT_EQ(breaker.polled(10, kSessions, at(0)), Change::opened);
  EXPECT_EQ(breaker.polled(11, kSessions, at(20)), std::nullopt) << "a new high starts it anew";
  EXPECT_EQ(breaker.polled(11, kSessions, at(49)), std::nullopt);
  EXPECT_EQ(breaker.polled(11, kSessions, at(50)), Change::closed);
  EXPECT_EQ(breaker.polled(16, kSessions, at(51)), std::nullopt) << "11 is what it compares with";
  EXPECT_EQ(breaker.polled(17, kSessions, at(52)), Change::opened);
}

TEST(Breaker, AResetClosesItAndAcceptsWhatMatches) {
  Breaker breaker = escalation::breaker();
  EXPECT_FALSE(breaker.reset(at(0)));
  ASSERT_EQ(breaker.polled(10, kSessions, at(0)), Change::opened);
  EXPECT_TRUE(breaker.reset(at(1)));
  EXPECT_FALSE(breaker.open());
  EXPECT_EQ(breaker.polled(15, kSessions, at(2)), std::nullopt);
  EXPECT_EQ(breaker.polled(16, kSessions, at(3)), Change::opened);
}

TEST(Breaker, APauseOfThePollsLongerThanTheWindowIsNoJump) {
  Breaker breaker = escalation::breaker();
  EXPECT_EQ(breaker.polled(4, kSessions, at(0)), std::nullopt);
  EXPECT_EQ(breaker.polled(9, kSessions, at(1000)), std::nullopt) << "5 above the 4 it was last";
  EXPECT_EQ(breaker.polled(10, kSessions, at(1001)), Change::opened);
}

/// What the next daemon has of it.
Breaker next_of(const Breaker& before, int now, bool same_boot = true) {
  Breaker next = escalation::breaker();
  next.resume(before.saved("rule"), same_boot, at(now));
  return next;
}

TEST(Breaker, ThatWasOpenIsOpenForTheNextDaemonAndClosesWhenItWouldHave) {
  Breaker before = escalation::breaker();
  (void)before.polled(2, kSessions, at(0));
  ASSERT_EQ(before.polled(10, kSessions, at(10)), Change::opened);
  Breaker next = next_of(before, 20);
  EXPECT_TRUE(next.open());
  EXPECT_EQ(next.before(), 0U);
  EXPECT_EQ(next.matches(), 10U);
  EXPECT_EQ(next.polled(10, kSessions, at(39)), std::nullopt) << "no new high";
  EXPECT_EQ(next.polled(10, kSessions, at(40)), Change::closed);
  EXPECT_EQ(next.polled(15, kSessions, at(41)), std::nullopt) << "10 is what it compares with";
  EXPECT_EQ(next.polled(16, kSessions, at(42)), Change::opened);
}

TEST(Breaker, WhatTheNextDaemonSeesIsANewHighOnlyAboveTheOldOne) {
  Breaker before = escalation::breaker();
  ASSERT_EQ(before.polled(10, kSessions, at(0)), Change::opened);
  Breaker next = next_of(before, 1);
  EXPECT_EQ(next.polled(11, kSessions, at(29)), std::nullopt);
  EXPECT_EQ(next.polled(11, kSessions, at(58)), std::nullopt) << "the new high was at 29";
  EXPECT_EQ(next.polled(11, kSessions, at(59)), Change::closed);
}

TEST(Breaker, OfAnotherBootIsQuietFromNowOn) {
  Breaker before = escalation::breaker();
  ASSERT_EQ(before.polled(10, kSessions, at(1000)), Change::opened);
  Breaker next = next_of(before, 5, false);
  EXPECT_EQ(next.polled(10, kSessions, at(34)), std::nullopt);
  EXPECT_EQ(next.polled(10, kSessions, at(35)), Change::closed);
}

TEST(Breaker, ARestartIsNoJumpForWhoMatchedAlready) {
  Breaker before = escalation::breaker();
  (void)before.polled(4, kSessions, at(0));
  (void)before.polled(9, kSessions, at(70));
  ASSERT_FALSE(before.open());
  Breaker next = next_of(before, 71);
  EXPECT_EQ(next.polled(9, kSessions, at(72)), std::nullopt);
}

TEST(Breaker, AJumpOverARestartIsOne) {
  Breaker before = escalation::breaker();
  (void)before.polled(2, kSessions, at(0));
  (void)before.polled(3, kSessions, at(30));
  Breaker next = next_of(before, 40);
  EXPECT_EQ(next.polled(8, kSessions, at(41)), Change::opened) << "0 before the first, and 2";
  Breaker later = next_of(before, 3000);
  EXPECT_EQ(later.polled(8, kSessions, at(3001)), std::nullopt) << "5 above the 3 it was last";
  EXPECT_EQ(later.polled(9, kSessions, at(3002)), Change::opened);
}

TEST(Breaker, OneThatPolledBeforeItHeardOfTheLastKeepsItsOwnPast) {
  Breaker before = escalation::breaker();
  ASSERT_EQ(before.polled(10, kSessions, at(0)), Change::opened);
  Breaker late = escalation::breaker();
  (void)late.polled(3, kSessions, at(5));
  late.resume(before.saved("rule"), true, at(6));
  EXPECT_TRUE(late.open());
  EXPECT_EQ(late.matches(), 3U);
}

TEST(Breaker, WithoutSettingsNeverOpens) {
  Breaker breaker;
  EXPECT_EQ(breaker.polled(1'000, 1'000, at(0)), std::nullopt);
  EXPECT_EQ(breaker.matches(), 1'000U);
}

}  // namespace
}  // namespace pghang::escalation
