#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <ctime>
#include <optional>

#include <gtest/gtest.h>

#include "collectors/evidence/codec.h"
#include "collectors/process/capabilities.h"
#include "collectors/process/fd_describer.h"
#include "collectors/process/observer.h"
#include "config/unique_fd.h"
#include "tests/collectors/process/support.h"

/// DESIGN section 2's table, row by row: an observer of another uid with exactly these
/// capabilities. Needs root to become that observer.
namespace pghang {
namespace {

using testing::blocks_in;
using testing::ChildProcess;
using testing::find_missing;

constexpr uid_t kTargetUid = 1;        // daemon
constexpr uid_t kObserverUid = 65534;  // nobody

constexpr std::uint64_t kAll =
    capability::kSysPtrace | capability::kDacReadSearch | capability::kSysAdmin;

bool become(uid_t uid) {
  // The kernel forgets the death signal with the old uid.
  return ::setgroups(0, nullptr) == 0 && ::setresgid(uid, uid, uid) == 0 &&
         ::setresuid(uid, uid, uid) == 0 && ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
}

/// Gives up everything but `capabilities`.
bool become_observer(std::uint64_t capabilities) {
  if (::prctl(PR_SET_KEEPCAPS, 1) != 0 || !become(kObserverUid)) return false;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  sets[0].effective = static_cast<std::uint32_t>(capabilities);
  sets[0].permitted = sets[0].effective;
  return ::syscall(SYS_capset, &header, sets.data()) == 0;
}

/// What the observer saw. `fd` says how a look at the target's descriptor ended, the others whether
/// a file could be read.
struct Seen {
  Capture capture;
  std::string fd;
  bool maps = false;
  bool fdinfo = false;
};

class CapabilityRows : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 || !lacking(ProcFs(), kAll).empty())
      GTEST_SKIP() << "needs root with the capabilities that an observer may have";
    ASSERT_EQ(::pipe2(pipe_.data(), O_CLOEXEC), 0);
    read_end_ = UniqueFd(pipe_[0]);
    write_end_ = UniqueFd(pipe_[1]);
    target_.emplace([this] {
      write_end_.reset();
      flag_ = 7;
      // A change of uid makes a process undumpable, which no backend is.
      if (!become(kTargetUid) || ::prctl(PR_SET_DUMPABLE, 1) != 0) ::_exit(1);
      char byte = 0;
      if (::read(read_end_.get(), &byte, 1) < 0) ::_exit(2);
    });
    ASSERT_TRUE(blocks_in(target_->pid(), "read"));
  }

  /// Runs the observer in a child and takes its capture through a pipe.
  [[nodiscard]] Seen seen_with(std::uint64_t capabilities) const {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    const UniqueFd result(ends[0]);
    UniqueFd report(ends[1]);
    const ChildProcess observer([&] {
      if (!become_observer(capabilities)) ::_exit(1);
      const std::string bytes = codec::encode(look());
      if (::write(report.get(), bytes.data(), bytes.size()) < 0) ::_exit(1);
    });
    report.reset();
    std::string bytes;
    std::array<char, 4096> chunk{};
    for (ssize_t got = 0; (got = ::read(result.get(), chunk.data(), chunk.size())) > 0;)
      bytes.append(chunk.data(), static_cast<std::size_t>(got));
    const auto seen = codec::decode<Seen>(bytes);
    EXPECT_TRUE(seen) << "the observer gave no report";
    return seen.value_or(Seen());
  }

  [[nodiscard]] Seen look() const {
    const auto address = reinterpret_cast<std::uint64_t>(&flag_);  // NOLINT(*-reinterpret-cast)
    const VariableAddresses variables{{"ProcDiePending", {address, sizeof flag_}}};
    Seen seen;
    const ProcFs proc;
    if (!observe_process(proc, target_->pid(), false, seen.capture)) ::_exit(1);
    auto sample = observe_sample(proc, target_->pid(), variables, seen.capture.missing);
    if (!sample) ::_exit(1);
    seen.capture.samples.push_back(*sample);
    const auto fd = describe_fd(proc, target_->pid(), read_end_.get());
    seen.fd = fd ? fd->target : to_string(fd.error().code);
    seen.maps = proc.read(target_->pid(), "maps").has_value();
    const std::string fdinfo = "fdinfo/" + std::to_string(read_end_.get());
    seen.fdinfo = proc.read(target_->pid(), fdinfo).has_value();
    return seen;
  }

  static void
  expect_needs(const Seen& seen, const std::string& evidence, const std::string& needs) {
    const Missing* missing = find_missing(seen.capture, evidence);
    ASSERT_NE(missing, nullptr) << evidence << " is not listed";
    EXPECT_EQ(missing->needs, needs) << evidence;
    EXPECT_FALSE(missing->error.empty()) << evidence;
  }

  static void expect_public_evidence(const Seen& seen) {
    ASSERT_EQ(seen.capture.samples.size(), 1U);
    EXPECT_EQ(seen.capture.samples[0].state, ProcessState::sleeping);
    EXPECT_GT(seen.capture.samples[0].cpu_nanos, 0U);
    EXPECT_EQ(seen.capture.comm, "process_test");
    EXPECT_EQ(seen.capture.ppid, ::getpid());
  }

  static void expect_private_files(const Seen& seen) {
    ASSERT_TRUE(seen.capture.syscall);
    EXPECT_EQ(seen.capture.syscall->name, "read");
    ASSERT_TRUE(seen.capture.syscall->fd);
    EXPECT_EQ(seen.capture.syscall->fd->kind, FdKind::pipe);
    EXPECT_TRUE(seen.fd.starts_with("pipe:[")) << seen.fd;
    EXPECT_TRUE(seen.capture.samples.at(0).io);
  }

  std::array<int, 2> pipe_{};
  UniqueFd read_end_;
  UniqueFd write_end_;
  volatile std::int32_t flag_ = 0;
  std::optional<ChildProcess> target_;
};

TEST_F(CapabilityRows, WithoutAnyStateAndSignalsAreAllThereIs) {
  const Seen seen = seen_with(0);
  expect_public_evidence(seen);
  EXPECT_EQ(seen.capture.missing.size(), 5U);
  expect_needs(seen, "wchan", "CAP_SYS_PTRACE");
  expect_needs(seen, "interrupts", "CAP_SYS_PTRACE");
  expect_needs(seen, "syscall", "CAP_SYS_PTRACE + CAP_DAC_READ_SEARCH");
  expect_needs(seen, "io", "CAP_SYS_PTRACE + CAP_DAC_READ_SEARCH");
  expect_needs(seen, "kernel_stack", "CAP_SYS_PTRACE + CAP_DAC_READ_SEARCH + CAP_SYS_ADMIN");
  EXPECT_FALSE(seen.capture.syscall);
  EXPECT_FALSE(seen.capture.samples.at(0).io);
  EXPECT_EQ(seen.fd, "permission_denied");
  EXPECT_FALSE(seen.maps);
  EXPECT_FALSE(seen.fdinfo);
}

TEST_F(CapabilityRows, SysPtraceAddsWchanAndMemory) {
  const Seen seen = seen_with(capability::kSysPtrace);
  expect_public_evidence(seen);
  EXPECT_EQ(seen.capture.missing.size(), 3U);
  expect_needs(seen, "syscall", "CAP_DAC_READ_SEARCH");
  expect_needs(seen, "io", "CAP_DAC_READ_SEARCH");
  expect_needs(seen, "kernel_stack", "CAP_DAC_READ_SEARCH + CAP_SYS_ADMIN");
  EXPECT_FALSE(seen.capture.wchan.empty());
  EXPECT_EQ(seen.capture.samples.at(0).flags.proc_die_pending, 7);
  EXPECT_TRUE(seen.maps);
  EXPECT_TRUE(seen.fdinfo);
  EXPECT_EQ(seen.fd, "permission_denied");
}

TEST_F(CapabilityRows, DacReadSearchAddsThePrivateFiles) {
  const Seen seen = seen_with(capability::kSysPtrace | capability::kDacReadSearch);
  expect_public_evidence(seen);
  EXPECT_EQ(seen.capture.missing.size(), 1U);
  expect_needs(seen, "kernel_stack", "CAP_SYS_ADMIN");
  EXPECT_TRUE(seen.capture.kernel_stack.empty());
  expect_private_files(seen);
  EXPECT_EQ(seen.capture.samples.at(0).flags.proc_die_pending, 7);
}

TEST_F(CapabilityRows, SysAdminAddsTheKernelStack) {
  const Seen seen =
      seen_with(capability::kSysPtrace | capability::kDacReadSearch | capability::kSysAdmin);
  expect_public_evidence(seen);
  EXPECT_TRUE(seen.capture.missing.empty());
  EXPECT_FALSE(seen.capture.kernel_stack.empty());
  expect_private_files(seen);
}

TEST_F(CapabilityRows, DacReadSearchAloneOpensTheFilesButReadsNothing) {
  const Seen seen = seen_with(capability::kDacReadSearch);
  expect_needs(seen, "syscall", "CAP_SYS_PTRACE");
  expect_needs(seen, "io", "CAP_SYS_PTRACE");
  EXPECT_EQ(seen.fd, "permission_denied");
}

TEST_F(CapabilityRows, AnObserverOfTheSameUserNeedsNone) {
  const ChildProcess own([] {
    if (!become(kObserverUid) || ::prctl(PR_SET_DUMPABLE, 1) != 0) ::_exit(1);
    const timespec hour{3600, 0};
    ::nanosleep(&hour, nullptr);
  });
  ASSERT_TRUE(blocks_in(own.pid(), "clock_nanosleep"));
  target_.reset();
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const ChildProcess observer([&] {
    if (!become_observer(0)) ::_exit(1);
    Capture capture;
    if (!observe_process(ProcFs(), own.pid(), false, capture)) ::_exit(1);
    const bool good = capture.syscall && capture.syscall->name == "clock_nanosleep" &&
                      find_missing(capture, "wchan") == nullptr &&
                      find_missing(capture, "syscall") == nullptr;
    const char verdict = good ? '+' : '-';
    if (::write(ends[1], &verdict, 1) != 1) ::_exit(1);
  });
  ::close(ends[1]);
  char verdict = 0;
  EXPECT_EQ(::read(ends[0], &verdict, 1), 1);
  ::close(ends[0]);
  EXPECT_EQ(verdict, '+');
}

}  // namespace
}  // namespace pghang
