#include "daemon/targets/lock_pacer.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr LockPacer::TimePoint kNow{std::chrono::hours(1)};

TEST(LockPacer, CheapQuestionIsAskedWithEveryPoll) {
  LockPacer pacer;
  EXPECT_TRUE(pacer.due(kNow));
  pacer.asked(milliseconds(20), kNow);
  EXPECT_TRUE(pacer.due(kNow));
}

TEST(LockPacer, OneOverTheBudgetPauses) {
  LockPacer pacer;
  pacer.asked(milliseconds(21), kNow);
  EXPECT_FALSE(pacer.due(kNow + LockPacer::kFirstPause - milliseconds(1)));
  EXPECT_TRUE(pacer.due(kNow + LockPacer::kFirstPause));
}

TEST(LockPacer, FailureCountsAsTooSlow) {
  LockPacer pacer;
  pacer.asked(std::nullopt, kNow);
  EXPECT_FALSE(pacer.due(kNow));
}

TEST(LockPacer, PauseDoublesUpToItsCapAndOneCheapAnswerEndsIt) {
  LockPacer pacer;
  LockPacer::TimePoint now = kNow;
  for (const seconds pause :
       {seconds(5), seconds(10), seconds(20), seconds(40), seconds(80), seconds(80)}) {
    pacer.asked(std::nullopt, now);
    EXPECT_FALSE(pacer.due(now + pause - milliseconds(1))) << pause.count();
    now += pause;
    EXPECT_TRUE(pacer.due(now)) << pause.count();
  }
  pacer.asked(milliseconds(1), now);
  EXPECT_TRUE(pacer.due(now));
  pacer.asked(std::nullopt, now);
  EXPECT_TRUE(pacer.due(now + LockPacer::kFirstPause));
}

}  // namespace
}  // namespace pghang
