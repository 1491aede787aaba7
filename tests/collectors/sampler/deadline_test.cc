#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/collectors/sampler/support.h"

/// A process of the helper hangs: the answer comes in time all the same.
namespace pghang::sampler {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using testing::Environment;
using testing::Helper;
using testing::hooked_program;
using testing::Target;
using testing::TemporaryFolder;

constexpr milliseconds kDeadline{400};

TEST(HungWorker, IsReplacedAtTheDeadline) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("count")) << 1;
  const Environment environment(
      {{"PGHANG_TEST_HANG", "worker"}, {"PGHANG_TEST_COUNT_FILE", folder.file("count")}}
  );
  const Target target("sleep");
  Helper helper(hooked_program());
  const pid_t first = helper.stats().worker_pid;
  const auto began = Clock::now();
  const auto hung = helper.capture({.pid = target.pid(), .samples = 1}, kDeadline);
  const auto took = Clock::now() - began;
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().code, Errc::timeout);
  EXPECT_EQ(hung.error().context, "the capture took longer than its deadline");
  EXPECT_GE(took, kDeadline);
  EXPECT_LT(took, kDeadline + kAnswerMargin);
  EXPECT_TRUE(helper.capture({.pid = target.pid(), .samples = 1}));
  const SamplerStats stats = helper.stats();
  EXPECT_NE(stats.worker_pid, first);
  EXPECT_EQ(stats.worker_restarts, 1U);
  EXPECT_EQ(stats.abandoned, 0U);
}

TEST(HungChild, IsEndedByTheWorkerWhichStays) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("count")) << 2;
  const Environment environment(
      {{"PGHANG_TEST_HANG", "child"}, {"PGHANG_TEST_COUNT_FILE", folder.file("count")}}
  );
  const Target target("sleep");
  Helper helper(hooked_program());
  const pid_t worker = helper.stats().worker_pid;
  const auto began = Clock::now();
  const auto hung = helper.capture({.pid = target.pid(), .samples = 1}, kDeadline);
  EXPECT_LT(Clock::now() - began, kDeadline + kAnswerMargin);
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().code, Errc::timeout);
  EXPECT_TRUE(helper.capture({.pid = target.pid(), .samples = 1}));
  EXPECT_EQ(helper.stats().worker_pid, worker);
  EXPECT_EQ(helper.stats().worker_restarts, 0U);
}

TEST(HungChild, IsFollowedByOneThatDoesNotTouchTheMemory) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("count")) << 1;
  const Environment environment(
      {{"PGHANG_TEST_HANG", "child"}, {"PGHANG_TEST_COUNT_FILE", folder.file("count")}}
  );
  const Target target("sleep");
  Helper helper(hooked_program());
  const auto capture = helper.capture({.pid = target.pid()}, kDeadline);
  ASSERT_TRUE(capture) << capture.error().context;
  EXPECT_EQ(capture->stack.method, CaptureMethod::kernel_only);
  EXPECT_TRUE(capture->stack.frames.empty());
  EXPECT_EQ(capture->samples.size(), 3U);
  EXPECT_EQ(capture->samples.back().state, ProcessState::sleeping);
  EXPECT_EQ(capture->samples.back().flags, InterruptFlags{});
  ASSERT_TRUE(capture->syscall);
  EXPECT_EQ(capture->syscall->name, "clock_nanosleep");
  EXPECT_GE(capture->syscall->at_least_seconds, 0.04);
  ASSERT_GE(capture->missing.size(), 2U);
  EXPECT_EQ(capture->missing[0].evidence, "user_stack");
  EXPECT_EQ(capture->missing[1].evidence, "interrupts");
}

}  // namespace
}  // namespace pghang::sampler
