#include "daemon/chronicle/blocked_behind.h"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/daemon/escalation/builders.h"

namespace pghang {
namespace {

using escalation::testing::running;

LockWait waits_for(pid_t waiter, std::vector<pid_t> blockers, const char* object) {
  LockWait wait;
  wait.waiter = waiter;
  wait.blockers = std::move(blockers);
  wait.object = object;
  wait.lock_type = "relation";
  wait.mode = "AccessShareLock";
  return wait;
}

TEST(BlockedBehind, CountsThoseThatWaitDirectlyOrNot) {
  LockSnapshot locks;
  locks.waits = {waits_for(20, {10}, "a"), waits_for(30, {20}, "b"), waits_for(40, {20}, "b")};
  locks.waiters = 3;
  const auto behind = blocked_behind({running(10), running(20), running(30), running(40)}, locks);
  EXPECT_EQ(behind.at(10), 3U);
  EXPECT_EQ(behind.at(20), 2U);
  EXPECT_EQ(behind.at(30), 0U);
  EXPECT_FALSE(behind.contains(50));
}

}  // namespace
}  // namespace pghang
