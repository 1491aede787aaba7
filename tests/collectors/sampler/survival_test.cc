#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill(2) is POSIX, not <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <tuple>

#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "tests/collectors/sampler/support.h"

/// One of our processes dies in the middle of a stop: the target goes on, and so do we.
namespace pghang::sampler {
namespace {

using std::chrono::milliseconds;
using testing::ended;
using testing::Environment;
using testing::eventually;
using testing::Helper;
using testing::hooked_program;
using testing::Target;
using testing::TemporaryFolder;

constexpr int kRounds = 20;

/// The processes that the hook was in when it killed.
struct Family {
  pid_t child = 0;
  pid_t worker = 0;
  pid_t keeper = 0;
};

Family read_family(const std::string& file) {
  Family family;
  std::ifstream(file) >> family.child >> family.worker >> family.keeper;
  return family;
}

bool runs_on_never_stopped(const Target& target) {
  return eventually([&] {
    EXPECT_NE(target.stat().state, ProcessState::stopped);
    return target.runs_on();
  });
}

class HelperKilled : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(HelperKilled, CostsOneCaptureAndLeavesTheTargetRunning) {
  const std::string victim = std::get<0>(GetParam());
  const TemporaryFolder folder;
  const std::string count = folder.file("count");
  std::ofstream(count) << kRounds;
  const Environment environment(
      {{"PGHANG_TEST_KILL", victim},
       {"PGHANG_TEST_AT", std::get<1>(GetParam())},
       {"PGHANG_TEST_COUNT_FILE", count}}
  );
  const Target target("spin");
  Helper helper(hooked_program());
  const CaptureRequest request{.pid = target.pid(), .samples = 1, .stop_deadline_ms = 500};
  for (int round = 0; round < kRounds; ++round) {
    const auto killed = helper.capture(request);
    ASSERT_FALSE(killed) << "the hook did not kill";
    EXPECT_EQ(killed.error().code, Errc::io);
    EXPECT_EQ(
        killed.error().context,
        "the capture " + victim + " died (killed by signal 9 (Killed))"
    );
    ASSERT_TRUE(runs_on_never_stopped(target)) << round;
  }
  const auto next = helper.capture(request);
  ASSERT_TRUE(next) << next.error().context;
  EXPECT_EQ(next->stack.method, CaptureMethod::ptrace_stop);
  EXPECT_TRUE(next->stack.complete);
  EXPECT_EQ(helper.stats().worker_restarts, victim == "worker" ? kRounds : 0);
  EXPECT_EQ(helper.stats().abandoned, 0U);
  EXPECT_TRUE(runs_on_never_stopped(target));
}

constexpr const char* kPoints[] = {
    "before_seize",
    "after_interrupt",
    "while_stopped",
    "after_detach"};

INSTANTIATE_TEST_SUITE_P(
    Matrix,
    HelperKilled,
    ::testing::Combine(::testing::Values("child", "worker"), ::testing::ValuesIn(kPoints)),
    [](const auto& matrix) {
      return std::string(std::get<0>(matrix.param)) + "_" + std::get<1>(matrix.param);
    }
);

TEST(UnwinderCrashed, CostsOneCaptureAndNotTheHelper) {
  const TemporaryFolder folder;
  const std::string count = folder.file("count");
  std::ofstream(count) << 1;
  const Environment environment(
      {{"PGHANG_TEST_CRASH", "unwinder"}, {"PGHANG_TEST_COUNT_FILE", count}}
  );
  const Target target("spin");
  Helper helper(hooked_program());
  const pid_t keeper = helper.client().keeper_pid();
  const CaptureRequest request{.pid = target.pid(), .samples = 1};
  const auto crashed = helper.capture(request);
  ASSERT_FALSE(crashed) << "the hook did not crash the worker";
  EXPECT_EQ(crashed.error().code, Errc::io);
  EXPECT_EQ(
      crashed.error().context,
      "the capture worker died (killed by signal 11 (Segmentation fault))"
  );
  const auto next = helper.capture(request);
  ASSERT_TRUE(next) << next.error().context;
  EXPECT_TRUE(next->stack.complete);
  EXPECT_EQ(helper.client().keeper_pid(), keeper);
  EXPECT_EQ(helper.stats().worker_restarts, 1U);
  EXPECT_EQ(helper.stats().abandoned, 0U);
  EXPECT_TRUE(runs_on_never_stopped(target));
}

class KeeperKilled : public ::testing::TestWithParam<const char*> {};

TEST_P(KeeperKilled, IsToldToTheDaemonAndLeavesTheTargetRunning) {
  const TemporaryFolder folder;
  const Environment environment(
      {{"PGHANG_TEST_KILL", "keeper"},
       {"PGHANG_TEST_AT", GetParam()},
       {"PGHANG_TEST_PID_FILE", folder.file("pids")}}
  );
  const Target target("spin");
  for (int round = 0; round < kRounds; ++round) {
    Helper helper(hooked_program());
    const auto killed =
        helper.capture({.pid = target.pid(), .samples = 1, .stop_deadline_ms = 500});
    ASSERT_FALSE(killed);
    EXPECT_EQ(killed.error().code, Errc::disconnected);
    bool told = false;
    boost::asio::co_spawn(
        helper.loop(),
        helper.client().wait_keeper_exit(),
        [&](const std::exception_ptr&) { told = true; }
    );
    helper.loop().restart();
    helper.loop().run_for(std::chrono::seconds(5));
    EXPECT_TRUE(told);
    const Family family = read_family(folder.file("pids"));
    EXPECT_EQ(family.keeper, helper.client().keeper_pid());
    EXPECT_TRUE(eventually([&] { return ended(family.worker) && ended(family.child); }));
    ASSERT_TRUE(runs_on_never_stopped(target)) << round;
    EXPECT_EQ(
        helper.capture({.pid = target.pid(), .samples = 1, .stop_deadline_ms = 500}).error().code,
        Errc::disconnected
    );
  }
}

INSTANTIATE_TEST_SUITE_P(
    Matrix,
    KeeperKilled,
    ::testing::ValuesIn(kPoints),
    [](const auto& matrix) { return std::string(matrix.param); }
);

class DaemonKilled : public ::testing::TestWithParam<const char*> {};

TEST_P(DaemonKilled, EndsEveryProcessOfTheHelperAndLeavesTheTargetRunning) {
  const TemporaryFolder folder;
  const Environment environment(
      {{"PGHANG_TEST_KILL", "daemon"},
       {"PGHANG_TEST_AT", GetParam()},
       {"PGHANG_TEST_PID_FILE", folder.file("pids")}}
  );
  const Target target("spin");
  for (int round = 0; round < kRounds; ++round) {
    const pid_t daemon = ::fork();
    if (daemon == 0) {
      Helper helper(hooked_program());
      static_cast<void>(helper.capture({.pid = target.pid(), .samples = 1, .stop_deadline_ms = 500})
      );
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(daemon, &status, 0), daemon);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the hook did not kill";
    const Family family = read_family(folder.file("pids"));
    EXPECT_TRUE(eventually([&] {
      return ended(family.keeper) && ended(family.worker) && ended(family.child);
    }));
    ASSERT_TRUE(runs_on_never_stopped(target)) << round;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Matrix,
    DaemonKilled,
    ::testing::ValuesIn(kPoints),
    [](const auto& matrix) { return std::string(matrix.param); }
);

}  // namespace
}  // namespace pghang::sampler
