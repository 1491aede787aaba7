#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>
#include <thread>
#include <tuple>

#include <gtest/gtest.h>

#include "tests/collectors/sampler/support.h"

/// One of our processes dies in the middle of a trace: the target goes on, and no signal is lost.
namespace pghang::sampler {
namespace {

using std::chrono::milliseconds;
using testing::Environment;
using testing::eventually;
using testing::Helper;
using testing::hooked_program;
using testing::run;
using testing::Target;
using testing::TemporaryFolder;

constexpr int kRounds = 5;

Result<SyscallTrace> trace_of(Helper& helper, const Target& target, std::uint32_t duration_ms) {
  TraceRequest request;
  request.pid = target.pid();
  request.start_ticks = target.stat().start_ticks;
  request.duration_ms = duration_ms;
  request.allow_perf = false;
  return run(helper.loop(), helper.client().trace(request, milliseconds(10'000)));
}

bool runs_on_never_stopped(const Target& target) {
  return eventually([&] {
    EXPECT_NE(target.stat().state, ProcessState::stopped);
    return target.runs_on();
  });
}

/// Kills `victim` once at `point`.
struct Killing {
  Killing(const std::string& victim, const std::string& point, int times) {
    std::ofstream(folder.file("count")) << times;
    environment.emplace(std::vector<std::pair<std::string, std::string>>{
        {"PGHANG_TEST_KILL", victim},
        {"PGHANG_TEST_AT", point},
        {"PGHANG_TEST_COUNT_FILE", folder.file("count")}});
  }

  TemporaryFolder folder;
  std::optional<Environment> environment;
};

class TracerKilled : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(TracerKilled, CostsOneTraceAndLeavesTheTargetRunning) {
  const Killing killing(std::get<0>(GetParam()), std::get<1>(GetParam()), kRounds);
  const Target target("chatter");
  Helper helper(hooked_program());
  for (int round = 0; round < kRounds; ++round) {
    const auto killed = trace_of(helper, target, 200);
    ASSERT_FALSE(killed) << "the hook did not kill";
    EXPECT_EQ(killed.error().code, Errc::io) << killed.error().context;
    ASSERT_TRUE(runs_on_never_stopped(target)) << round;
  }
  const auto next = trace_of(helper, target, 200);
  ASSERT_TRUE(next) << next.error().context;
  EXPECT_FALSE(next->calls.empty());
  EXPECT_TRUE(runs_on_never_stopped(target));
}

INSTANTIATE_TEST_SUITE_P(
    Matrix,
    TracerKilled,
    ::testing::Combine(
        ::testing::Values("child", "worker"),
        ::testing::Values(
            "trace_before_seize",
            "trace_after_interrupt",
            "trace_first_stop",
            "trace_entry",
            "trace_exit",
            "trace_running",
            "trace_end"
        )
    ),
    [](const auto& matrix) {
      return std::string(std::get<0>(matrix.param)) + "_" + std::get<1>(matrix.param);
    }
);

TEST(TracerKilledInADeliveryStop, DoesNotTakeTheSignalWithIt) {
  const Killing killing("child", "trace_signal", 1);
  const Target target("calls");
  Helper helper(hooked_program());
  std::thread sender([&] {
    ASSERT_TRUE(eventually([&] { return target.status().tracer_pid != 0; }));
    std::this_thread::sleep_for(milliseconds(100));
    target.signal(SIGUSR1);
  });
  const auto killed = trace_of(helper, target, 5'000);
  sender.join();
  ASSERT_FALSE(killed) << "the hook did not kill";
  EXPECT_TRUE(eventually([&] { return target.stat().comm == "got 1"; })) << target.stat().comm;
  EXPECT_TRUE(eventually([&] { return target.stat().state == ProcessState::sleeping; }));
  EXPECT_EQ(target.status().tracer_pid, 0);
}

TEST(TracerKilledInAGroupStop, LeavesTheTargetStoppedAsSomebodyWanted) {
  const Killing killing("child", "trace_group_stop", 1);
  const Target target("calls");
  Helper helper(hooked_program());
  std::thread sender([&] {
    ASSERT_TRUE(eventually([&] { return target.status().tracer_pid != 0; }));
    std::this_thread::sleep_for(milliseconds(100));
    target.signal(SIGSTOP);
  });
  const auto killed = trace_of(helper, target, 5'000);
  sender.join();
  ASSERT_FALSE(killed) << "the hook did not kill";
  EXPECT_TRUE(eventually([&] { return target.stat().state == ProcessState::stopped; }));
  EXPECT_EQ(target.status().tracer_pid, 0);
  target.signal(SIGCONT);
  target.signal(SIGUSR1);
  EXPECT_TRUE(eventually([&] { return target.stat().comm == "got 1"; }));
}

}  // namespace
}  // namespace pghang::sampler
