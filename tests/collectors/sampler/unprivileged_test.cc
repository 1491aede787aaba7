#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "collectors/evidence/codec.h"
#include "config/unique_fd.h"
#include "tests/collectors/sampler/support.h"

/// The helper as it runs in production: another user than PostgreSQL's, with three capabilities.
namespace pghang::sampler {
namespace {

using testing::fake_backend_program;
using testing::Helper;
using testing::sampler_program;
using testing::Target;
using testing::TemporaryFolder;

constexpr uid_t kNobody = 65534;
constexpr uid_t kOther = 12345;

using Capabilities = std::vector<unsigned>;

/// Becomes nobody with exactly these, as systemd's AmbientCapabilities= does.
bool become_nobody(const Capabilities& wanted) {
  if (::prctl(PR_SET_KEEPCAPS, 1) != 0 || ::setgroups(0, nullptr) != 0) return false;
  if (::setresgid(kNobody, kNobody, kNobody) != 0) return false;
  if (::setresuid(kNobody, kNobody, kNobody) != 0) return false;
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> sets{};
  for (const unsigned number : wanted) {
    sets[0].permitted |= 1U << number;
  }
  sets[0].effective = sets[0].permitted;
  sets[0].inheritable = sets[0].permitted;
  if (::syscall(SYS_capset, &header, sets.data()) != 0) return false;
  return std::all_of(wanted.begin(), wanted.end(), [](unsigned number) {
    return ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) == 0;
  });
}

/// A capture taken by a helper that nobody started with these capabilities.
std::optional<Capture>
capture_as_nobody(const std::string& program, pid_t pid, const Capabilities& capabilities) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return std::nullopt;
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    if (!become_nobody(capabilities)) ::_exit(1);
    const auto capture = Helper(program).capture({.pid = pid, .stop_deadline_ms = 1000});
    if (!capture) ::_exit(2);
    const std::string bytes = codec::encode(*capture);
    ::_exit(::write(out.get(), bytes.data(), bytes.size()) > 0 ? 0 : 3);
  }
  out.reset();
  std::string bytes;
  std::array<char, 4096> part{};
  for (ssize_t got = 0; (got = ::read(in.get(), part.data(), part.size())) > 0;)
    bytes.append(part.data(), static_cast<std::size_t>(got));
  ::waitpid(daemon, nullptr, 0);
  return codec::decode<Capture>(bytes);
}

const Missing* missing(const Capture& capture, const std::string& evidence) {
  const auto found =
      std::find_if(capture.missing.begin(), capture.missing.end(), [&](const Missing& one) {
        return one.evidence == evidence;
      });
  return found == capture.missing.end() ? nullptr : &*found;
}

class Unprivileged : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  }

  [[nodiscard]] std::optional<Capture>
  capture_of(const std::string& mode, const Capabilities& capabilities) const {
    const Target target(mode, folder_.copy(fake_backend_program()), kOther);
    auto capture = capture_as_nobody(folder_.copy(sampler_program()), target.pid(), capabilities);
    EXPECT_EQ(target.status().uid, kOther);
    EXPECT_EQ(target.status().tracer_pid, 0);
    EXPECT_NE(target.status().state, ProcessState::stopped);
    return capture;
  }

 private:
  TemporaryFolder folder_;
};

const Capabilities kAll{CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_SYS_NICE};

TEST_F(Unprivileged, ASleeperOfAnotherUserIsSeenWholeButForTheKernelStack) {
  const auto capture = capture_of("sleep", kAll);
  ASSERT_TRUE(capture);
  EXPECT_TRUE(capture->postgres);
  EXPECT_EQ(capture->samples.back().flags.proc_die_pending, 1);
  EXPECT_TRUE(capture->samples.back().io);
  EXPECT_FALSE(capture->wchan.empty());
  ASSERT_TRUE(capture->syscall);
  EXPECT_EQ(capture->syscall->name, "clock_nanosleep");
  EXPECT_EQ(capture->stack.method, CaptureMethod::in_place);
  EXPECT_TRUE(capture->stack.complete) << capture->stack.stop_reason;
  EXPECT_TRUE(capture->kernel_stack.empty());
  ASSERT_NE(missing(*capture, "kernel_stack"), nullptr);
  EXPECT_EQ(missing(*capture, "kernel_stack")->needs, "CAP_SYS_ADMIN");
  EXPECT_EQ(capture->missing.size(), 1U);
}

TEST_F(Unprivileged, ARunnerOfAnotherUserIsHeldAtRealtimePriority) {
  const auto capture = capture_of("spin", kAll);
  ASSERT_TRUE(capture);
  EXPECT_EQ(capture->stack.method, CaptureMethod::ptrace_stop);
  EXPECT_TRUE(capture->stack.complete) << capture->stack.stop_reason;
  EXPECT_GT(capture->stack.held_micros, 0);
  EXPECT_EQ(missing(*capture, "realtime"), nullptr);
}

TEST_F(Unprivileged, WithoutSysNiceTheHoldIsTakenAndSaidToBeWithoutRealtime) {
  const auto capture = capture_of("spin", {CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH});
  ASSERT_TRUE(capture);
  EXPECT_EQ(capture->stack.method, CaptureMethod::ptrace_stop);
  ASSERT_NE(missing(*capture, "realtime"), nullptr);
  EXPECT_EQ(missing(*capture, "realtime")->needs, "CAP_SYS_NICE");
}

TEST_F(Unprivileged, WithoutAnyCapabilityEverythingThatIsMissingNamesWhatItNeeds) {
  const auto capture = capture_of("sleep", {});
  ASSERT_TRUE(capture);
  EXPECT_FALSE(capture->gone);
  EXPECT_EQ(capture->comm, "sampler_fake_ba");
  EXPECT_EQ(capture->samples.back().state, ProcessState::sleeping);
  EXPECT_EQ(capture->stack.method, CaptureMethod::kernel_only);
  for (const char* evidence : {"user_stack", "interrupts", "syscall", "io", "kernel_stack"}) {
    const Missing* found = missing(*capture, evidence);
    ASSERT_NE(found, nullptr) << evidence;
    EXPECT_NE(found->needs.find("CAP_SYS_PTRACE"), std::string::npos) << evidence;
  }
}

}  // namespace
}  // namespace pghang::sampler
