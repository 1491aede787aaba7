#include "collectors/trace/syscall_tally.h"

#include <sys/syscall.h>

#include <cerrno>

#include <gtest/gtest.h>

namespace pghang {
namespace {

constexpr std::int64_t kRestartBlock = 516;

SyscallTrace written(const SyscallTally& tally, std::int64_t at) {
  SyscallTrace trace;
  tally.write(at, trace);
  return trace;
}

TEST(SyscallTally, CountsCallsTheirTimeAndTheLongest) {
  SyscallTally tally;
  tally.enter(SYS_getppid, 1'000);
  tally.exit(1, 3'000);
  tally.enter(SYS_getppid, 10'000);
  tally.exit(1, 15'000);
  const SyscallTrace trace = written(tally, 20'000);
  ASSERT_EQ(trace.calls.size(), 1U);
  EXPECT_EQ(trace.calls[0].name, "getppid");
  EXPECT_EQ(trace.calls[0].calls, 2U);
  EXPECT_DOUBLE_EQ(trace.calls[0].micros, 7);
  EXPECT_DOUBLE_EQ(trace.calls[0].longest_micros, 5);
  EXPECT_TRUE(trace.calls[0].errors.empty());
  EXPECT_FALSE(trace.unfinished);
}

TEST(SyscallTally, TheCallWithTheMostTimeComesFirst) {
  SyscallTally tally;
  for (int i = 0; i < 3; ++i) {
    tally.enter(SYS_read, 0);
    tally.exit(1, 1'000);
  }
  tally.enter(SYS_write, 0);
  tally.exit(1, 4'000);
  const SyscallTrace trace = written(tally, 0);
  ASSERT_EQ(trace.calls.size(), 2U);
  EXPECT_EQ(trace.calls[0].name, "write");
  EXPECT_EQ(trace.calls[1].name, "read");
}

TEST(SyscallTally, MoreNumbersThanThereAreCallsAreOneRow) {
  SyscallTally tally;
  for (long number = 10'000; number < 12'000; ++number) {
    tally.enter(number, 0);
    tally.exit(-ENOSYS, 1'000);
  }
  const SyscallTrace trace = written(tally, 2'000);
  EXPECT_EQ(trace.calls.size(), 513U);
  EXPECT_EQ(trace.calls.front().name, "others");
  EXPECT_EQ(trace.calls.front().calls, 1'488U);
}

TEST(SyscallTally, NamesErrorsTheMostFrequentFirst) {
  SyscallTally tally;
  for (const std::int64_t result : {-EBADF, -EAGAIN, -EAGAIN, 7, -512}) {
    tally.enter(SYS_read, 0);
    tally.exit(result, 1);
  }
  const SyscallTrace trace = written(tally, 0);
  ASSERT_EQ(trace.calls.size(), 1U);
  EXPECT_EQ(trace.calls[0].calls, 5U);
  ASSERT_EQ(trace.calls[0].errors.size(), 3U);
  EXPECT_EQ(trace.calls[0].errors[0], (TracedError{"EAGAIN", 2}));
  EXPECT_EQ(trace.calls[0].errors[1], (TracedError{"EBADF", 1}));
  EXPECT_EQ(trace.calls[0].errors[2], (TracedError{"ERESTARTSYS", 1}));
}

TEST(SyscallTally, AnAddressIsNoError) {
  SyscallTally tally;
  tally.enter(SYS_mmap, 0);
  tally.exit(static_cast<std::int64_t>(0xffffffff80000000), 1);
  EXPECT_TRUE(written(tally, 0).calls[0].errors.empty());
}

TEST(SyscallTally, ACallThatHasNotReturnedIsUnfinishedAndNotCounted) {
  SyscallTally tally;
  tally.enter(SYS_epoll_wait, 1'000'000'000);
  EXPECT_EQ(tally.current(), SYS_epoll_wait);
  const SyscallTrace trace = written(tally, 3'500'000'000);
  EXPECT_TRUE(trace.calls.empty());
  ASSERT_TRUE(trace.unfinished);
  EXPECT_EQ(trace.unfinished->name, "epoll_wait");
  EXPECT_DOUBLE_EQ(trace.unfinished->seconds, 2.5);
}

TEST(SyscallTally, AnExitWithoutAnEntryAndAnEntryWithoutAnExitCountForNothing) {
  SyscallTally tally;
  tally.exit(0, 5);
  tally.enter(SYS_read, 10);
  tally.enter(SYS_write, 20);
  tally.exit(1, 30);
  const SyscallTrace trace = written(tally, 40);
  ASSERT_EQ(trace.calls.size(), 1U);
  EXPECT_EQ(trace.calls[0].name, "write");
}

TEST(SyscallTally, ARestartIsCountedAsTheCallThatItGoesOnWith) {
  SyscallTally tally;
  tally.enter(SYS_clock_nanosleep, 0);
  tally.exit(-kRestartBlock, 1);
  tally.enter(SYS_restart_syscall, 2);
  EXPECT_EQ(tally.current(), SYS_clock_nanosleep);
  SyscallTally attached;
  attached.broken_off(SYS_poll);
  attached.enter(SYS_restart_syscall, 0);
  EXPECT_EQ(attached.current(), SYS_poll);
  SyscallTally unknown;
  unknown.enter(SYS_restart_syscall, 0);
  EXPECT_EQ(unknown.current(), SYS_restart_syscall);
}

}  // namespace
}  // namespace pghang
