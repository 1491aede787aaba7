#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "collectors/sampler/debug_fetcher.h"
#include "tests/collectors/sampler/support.h"

/// Source lines of a capture, and downloads that go wrong. Downloads that go right are tested with
/// a real server (tests/integration/test_symbols.py).
namespace pghang::sampler {
namespace {

using testing::eventually;
using testing::Helper;
using testing::Target;

TEST(SourceLines, AreThereWhereTheModuleHasDebugInformation) {
  const Target target("sleep");
  Helper helper;
  const pid_t worker = helper.stats().worker_pid;
  // The second time they come from the cache.
  for (int time = 0; time < 2; ++time) {
    const auto capture = helper.capture({.pid = target.pid()});
    ASSERT_TRUE(capture) << capture.error().context;
    const auto& frames = capture->stack.frames;
    const auto sleeps = std::find_if(frames.begin(), frames.end(), [](const Frame& frame) {
      return frame.function == "fake_backend_sleeps";
    });
    ASSERT_NE(sleeps, frames.end());
    EXPECT_TRUE(sleeps->file.ends_with("tests/collectors/sampler/fake_backend.cc")) << sleeps->file;
    EXPECT_GT(sleeps->line, 0U);
    EXPECT_TRUE(std::none_of(frames.begin(), frames.end(), [](const Frame& frame) {
      return frame.inlined;
    }));
  }
  EXPECT_EQ(helper.stats().worker_pid, worker);
}

TEST(SourceLines, AreTheSameWithInlinedFunctionsShown) {
  const Target target("sleep");
  Helper helper;
  const auto plain = helper.capture({.pid = target.pid()});
  auto inlined = helper.capture({.pid = target.pid(), .inlines = true});
  ASSERT_TRUE(plain && inlined);
  std::erase_if(inlined->stack.frames, [](const Frame& frame) { return frame.inlined; });
  EXPECT_EQ(inlined->stack.frames, plain->stack.frames);
  EXPECT_EQ(inlined->samples.back().stack_id, plain->samples.back().stack_id);
}

TEST(Downloads, AreOffUnlessThereIsATime) {
  DebugFetcher fetcher(std::chrono::milliseconds(0));
  EXPECT_FALSE(fetcher.enabled());
  fetcher.want({"00112233"});
  EXPECT_EQ(fetcher.fd(), -1);
}

TEST(Downloads, ThatFailAreNotTriedAgainSoon) {
  // Without $DEBUGINFOD_URLS the library has nobody to ask.
  DebugFetcher fetcher(std::chrono::seconds(20));
  fetcher.want({"00112233445566778899aabbccddeeff00112233"});
  ASSERT_GE(fetcher.fd(), 0);
  EXPECT_TRUE(eventually([&] { return fetcher.take().empty() && fetcher.fd() < 0; }));
  EXPECT_EQ(fetcher.poll_timeout(), -1);
  static_cast<void>(fetcher.take());
  fetcher.want({"00112233445566778899aabbccddeeff00112233"});
  EXPECT_EQ(fetcher.fd(), -1);
}

TEST(Downloads, AreEndedAtTheirDeadline) {
  DebugFetcher fetcher(std::chrono::milliseconds(1));
  fetcher.want({"00112233445566778899aabbccddeeff00112233"});
  EXPECT_TRUE(eventually([&] {
    static_cast<void>(fetcher.take());
    return fetcher.fd() < 0;
  }));
}

}  // namespace
}  // namespace pghang::sampler
