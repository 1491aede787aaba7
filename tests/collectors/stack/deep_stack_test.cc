#include <algorithm>

#include <gtest/gtest.h>

#include "tests/collectors/stack/elf_builder.h"
#include "tests/collectors/stack/live_target.h"
#include "tests/collectors/stack/take.h"

/// Stacks of thousands of frames, of real processes.
namespace pghang::test {
namespace {

class DeepStack : public testing::TestWithParam<const char*> {};

/// pghang_deep is there `depth` times, counted with what was left out.
void expect_depth(const StackTrace& trace, std::size_t depth) {
  EXPECT_TRUE(trace.complete) << trace.stop_reason;
  const auto kept = std::ranges::count(names(trace), "pghang_deep");
  EXPECT_EQ(static_cast<std::size_t>(kept) + trace.omitted, depth);
  EXPECT_EQ(names(trace).back(), "_start");
  EXPECT_LE(trace.frames.size(), kMaxFrames);
  EXPECT_EQ(trace.omitted > 0, depth > kMaxFrames);
}

TEST_P(DeepStack, IsReadInPlaceToItsEnd) {
  for (const std::size_t depth : {10U, 100U, 1000U, 5000U}) {
    const LiveTarget target(GetParam(), "deep:" + std::to_string(depth));
    ASSERT_TRUE(wait_for_state(target.pid(), ProcessState::sleeping));
    const auto snapshot = take_in_place(target.pid());
    ASSERT_TRUE(snapshot) << snapshot.error().context;
    expect_depth(trace_of(*snapshot), depth);
  }
}

TEST_P(DeepStack, ThatIsLargerThanWhatAHoldCopiesIsReadAroundIt) {
  constexpr std::size_t depth = 40'000;
  const LiveTarget target(GetParam(), "deepspin:" + std::to_string(depth));
  const auto snapshot = take_ptrace_stop(target.pid());
  ASSERT_TRUE(snapshot) << snapshot.error().context;
  EXPECT_GT(snapshot->stack.size(), kMaxHeldBytes);
  EXPECT_FALSE(snapshot->stack_truncated);
  expect_depth(trace_of(*snapshot), depth);
}

INSTANTIATE_TEST_SUITE_P(
    Builds,
    DeepStack,
    testing::Values("target_plain", "target_frame_pointer"),
    [](const auto& build) { return std::string(build.param); }
);

TEST(RealignedStack, IsFollowedInPlace) {
  for (const char* program : {"target_plain", "target_frame_pointer"}) {
    const LiveTarget target(program, "realigned");
    ASSERT_TRUE(wait_for_state(target.pid(), ProcessState::sleeping));
    const auto snapshot = take_in_place(target.pid());
    ASSERT_TRUE(snapshot) << snapshot.error().context;
    const StackTrace trace = trace_of(*snapshot);
    EXPECT_TRUE(trace.complete) << program << ": " << trace.stop_reason;
    const auto all = names(trace);
    const auto realigned = std::ranges::find(all, "pghang_realigned");
    ASSERT_NE(realigned, all.end());
    EXPECT_EQ(*(realigned + 1), "main");
  }
}

}  // namespace
}  // namespace pghang::test
