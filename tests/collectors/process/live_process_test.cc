#include <fcntl.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <ctime>

#include <gtest/gtest.h>

#include "collectors/process/observer.h"
#include "collectors/process/parsers.h"
#include "config/unique_fd.h"
#include "tests/collectors/process/support.h"

/// Children of the test, made to hang in the ways backends do.
namespace pghang {
namespace {

using testing::blocks_in;
using testing::ChildProcess;
using testing::eventually;
using testing::TempDir;

Capture observe(pid_t pid) {
  Capture capture;
  EXPECT_TRUE(observe_process(ProcFs(), pid, true, capture));
  return capture;
}

Sample sample(pid_t pid, const VariableAddresses& variables = {}) {
  std::vector<Missing> missing;
  return observe_sample(ProcFs(), pid, variables, missing).value();
}

TEST(LiveProcess, AnOpenOfAFifoNamesThePathItsMountAndThatNobodyHasItOpen) {
  const TempDir dir;
  const std::string fifo = dir.path() / "in put";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const ChildProcess child([&] { static_cast<void>(::open(fifo.c_str(), O_RDONLY)); });
  ASSERT_TRUE(blocks_in(child.pid(), "openat"));

  const Capture capture = observe(child.pid());
  ASSERT_TRUE(capture.syscall);
  EXPECT_EQ(capture.syscall->text, "openat(AT_FDCWD, \"" + fifo + "\", O_RDONLY)");
  EXPECT_EQ(capture.syscall->path, fifo);
  ASSERT_TRUE(capture.syscall->fd);
  EXPECT_EQ(capture.syscall->fd->number, -1);
  EXPECT_EQ(capture.syscall->fd->target, fifo);
  if (testing::root_is_mounted()) {
    EXPECT_FALSE(capture.syscall->fd->fs_type.empty());
  }
  EXPECT_TRUE(capture.syscall->fd->peers.empty());
  if (!capture.wchan.empty()) {
    EXPECT_EQ(capture.syscall->fd->kind, FdKind::fifo) << "sleeps in " << capture.wchan;
  }
}

TEST(LiveProcess, ARelativePathIsResolvedFromTheWorkingDirectory) {
  const TempDir dir;
  const std::string fifo = dir.path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const ChildProcess child([&] {
    if (::chdir(dir.path().c_str()) == 0) static_cast<void>(::open("fifo", O_WRONLY));
  });
  ASSERT_TRUE(blocks_in(child.pid(), "openat"));
  const Capture capture = observe(child.pid());
  ASSERT_TRUE(capture.syscall && capture.syscall->fd);
  EXPECT_EQ(capture.syscall->text, R"(openat(AT_FDCWD, "fifo", O_WRONLY))");
  EXPECT_EQ(capture.syscall->fd->target, fifo);
}

TEST(LiveProcess, AReadOfAFifoNamesItsWriter) {
  const TempDir dir;
  const std::string fifo = dir.path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const ChildProcess reader([&] {
    const int fd = ::open(fifo.c_str(), O_RDONLY | O_CLOEXEC);
    char byte = 0;
    if (::read(fd, &byte, 1) < 0) ::_exit(2);
  });
  const ChildProcess writer([&] {
    static_cast<void>(::open(fifo.c_str(), O_WRONLY | O_CLOEXEC));
    ::pause();
  });
  ASSERT_TRUE(blocks_in(writer.pid(), "pause"));
  ASSERT_TRUE(blocks_in(reader.pid(), "read"));
  const Capture capture = observe(reader.pid());
  ASSERT_TRUE(capture.syscall && capture.syscall->fd);
  EXPECT_EQ(capture.syscall->fd->target, fifo);
  if (capture.wchan.empty()) GTEST_SKIP() << "this kernel tells no wchan, so no FIFO from a file";
  EXPECT_EQ(capture.syscall->fd->kind, FdKind::fifo) << "sleeps in " << capture.wchan;
  ASSERT_EQ(capture.syscall->fd->peers.size(), 1U);
  EXPECT_EQ(capture.syscall->fd->peers[0].pid, writer.pid());
}

class PipeReader : public ::testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    read_end_ = UniqueFd(ends[0]);
    write_end_ = UniqueFd(ends[1]);
  }

  UniqueFd read_end_;
  UniqueFd write_end_;
};

TEST_F(PipeReader, AReadOfAPipeNamesItsWriter) {
  const ChildProcess child([&] {
    write_end_.reset();
    char byte = 0;
    if (::read(read_end_.get(), &byte, 1) < 0) ::_exit(2);
  });
  ASSERT_TRUE(blocks_in(child.pid(), "read"));
  const Capture capture = observe(child.pid());
  ASSERT_TRUE(capture.syscall && capture.syscall->fd);
  EXPECT_EQ(capture.syscall->args.front(), std::to_string(read_end_.get()));
  EXPECT_EQ(capture.syscall->args.back(), "1");
  EXPECT_EQ(capture.syscall->fd->number, read_end_.get());
  EXPECT_EQ(capture.syscall->fd->kind, FdKind::pipe);
  ASSERT_EQ(capture.syscall->fd->peers.size(), 1U);
  EXPECT_EQ(capture.syscall->fd->peers[0].pid, ::getpid());
  EXPECT_EQ(capture.ppid, ::getpid());
}

TEST_F(PipeReader, APollOfOneDescriptorNamesItAndItsPeer) {
  const ChildProcess child([&] {
    write_end_.reset();
    pollfd entry{read_end_.get(), POLLIN, 0};
    ::poll(&entry, 1, -1);
  });
#if defined(__x86_64__)
  ASSERT_TRUE(blocks_in(child.pid(), "poll"));
  const Capture capture = observe(child.pid());
  ASSERT_TRUE(capture.syscall && capture.syscall->fd);
  EXPECT_EQ(
      capture.syscall->text,
      "poll([{fd=" + std::to_string(read_end_.get()) + ", events=POLLIN}], 1, -1)"
  );
  EXPECT_EQ(capture.syscall->fd->kind, FdKind::pipe);
  ASSERT_EQ(capture.syscall->fd->peers.size(), 1U);
  EXPECT_EQ(capture.syscall->fd->peers[0].pid, ::getpid());
#endif
}

TEST(LiveProcess, ASleepShowsItsLength) {
  const ChildProcess child([] {
    const timespec hour{3600, 0};
    ::nanosleep(&hour, nullptr);
  });
  ASSERT_TRUE(blocks_in(child.pid(), "clock_nanosleep"));
  const Capture capture = observe(child.pid());
  ASSERT_TRUE(capture.syscall);
  EXPECT_EQ(
      capture.syscall->text,
      "clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=3600, tv_nsec=0}, NULL)"
  );
  EXPECT_FALSE(capture.syscall->fd);
}

TEST(LiveProcess, AWaitForAChildShowsTheChild) {
  const ChildProcess parent([] {
    const ChildProcess sleeper([] { ::pause(); });
    ::waitpid(sleeper.pid(), nullptr, 0);
  });
  ASSERT_TRUE(blocks_in(parent.pid(), "wait4"));
  const Capture capture = observe(parent.pid());
  ASSERT_EQ(capture.children.size(), 1U);
  const pid_t grandchild = capture.children[0].pid;
  ASSERT_TRUE(capture.syscall);
  EXPECT_EQ(capture.syscall->text, "wait4(" + std::to_string(grandchild) + ", NULL, 0, NULL)");
}

TEST(LiveProcess, AStoppedProcessIsStoppedAndStillInItsCall) {
  const ChildProcess child([] { ::pause(); });
  ASSERT_TRUE(blocks_in(child.pid(), "pause"));
  ASSERT_EQ(::kill(child.pid(), SIGSTOP), 0);
  ASSERT_TRUE(eventually([&] { return sample(child.pid()).state == ProcessState::stopped; }));
  EXPECT_EQ(sample(child.pid()).tracer_pid, 0);
  ASSERT_EQ(::kill(child.pid(), SIGCONT), 0);
  EXPECT_TRUE(eventually([&] { return sample(child.pid()).state == ProcessState::sleeping; }));
}

TEST(LiveProcess, ATracedProcessNamesItsTracer) {
  const ChildProcess child([] { ::pause(); });
  ASSERT_TRUE(blocks_in(child.pid(), "pause"));
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, child.pid(), nullptr, nullptr), 0);
  ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, child.pid(), nullptr, nullptr), 0);
  ASSERT_EQ(::waitpid(child.pid(), nullptr, __WALL), child.pid());
  EXPECT_EQ(sample(child.pid()).state, ProcessState::traced);
  EXPECT_EQ(sample(child.pid()).tracer_pid, ::getpid());
  const Capture capture = observe(child.pid());
  ASSERT_TRUE(capture.tracer);
  EXPECT_EQ(capture.tracer->pid, ::getpid());
  EXPECT_EQ(capture.tracer->comm, "process_test");
  ASSERT_EQ(::ptrace(PTRACE_DETACH, child.pid(), nullptr, nullptr), 0);
  EXPECT_TRUE(eventually([&] { return sample(child.pid()).state == ProcessState::sleeping; }));
}

TEST(LiveProcess, ABlockedSignalStaysPending) {
  const ChildProcess child([] {
    sigset_t set{};
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::pause();
  });
  ASSERT_TRUE(blocks_in(child.pid(), "pause"));
  EXPECT_FALSE(is_pending(sample(child.pid()).signals, SIGTERM));
  ASSERT_EQ(::kill(child.pid(), SIGTERM), 0);
  const Sample after = sample(child.pid());
  EXPECT_TRUE(has_signal(after.signals.blocked, SIGTERM));
  EXPECT_TRUE(has_signal(after.signals.pending_process, SIGTERM));
  EXPECT_FALSE(has_signal(after.signals.blocked, SIGINT));
}

TEST(LiveProcess, IgnoredAndCaughtSignalsAreTold) {
  const ChildProcess child([] {
    static_cast<void>(::signal(SIGTERM, SIG_IGN));
    static_cast<void>(::signal(SIGINT, [](int) {}));
    ::pause();
  });
  ASSERT_TRUE(blocks_in(child.pid(), "pause"));
  const SignalSets signals = sample(child.pid()).signals;
  EXPECT_TRUE(has_signal(signals.ignored, SIGTERM));
  EXPECT_FALSE(has_signal(signals.ignored, SIGINT));
  EXPECT_TRUE(has_signal(signals.caught, SIGINT));
}

TEST(LiveProcess, ASpinningProcessRunsAndUsesCpu) {
  const ChildProcess child([] {
    volatile unsigned counter = 0;
    for (;;)
      counter = counter + 1;
  });
  ASSERT_TRUE(eventually([&] { return sample(child.pid()).cpu_nanos > 0; }));
  const std::uint64_t before = sample(child.pid()).cpu_nanos;
  EXPECT_TRUE(eventually([&] { return sample(child.pid()).cpu_nanos > before; }));
  EXPECT_EQ(sample(child.pid()).state, ProcessState::running);
  EXPECT_FALSE(observe(child.pid()).syscall);
}

TEST(LiveProcess, AZombieIsAZombieWithAParent) {
  siginfo_t ignored{};
  const ChildProcess child([] {});
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &ignored, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(sample(child.pid()).state, ProcessState::zombie);
  EXPECT_EQ(observe(child.pid()).ppid, ::getpid());
}

TEST(LiveProcess, AProcessThatIsGoneIsNotFound) {
  ChildProcess child([] { ::pause(); });
  const pid_t pid = child.pid();
  child.end();
  Capture capture;
  EXPECT_EQ(observe_process(ProcFs(), pid, true, capture).error().code, Errc::not_found);
}

TEST(LiveProcess, VariablesAreReadFromItsMemory) {
  static volatile std::int32_t pending = 0;
  const ChildProcess child([] {
    pending = 1;
    ::pause();
  });
  ASSERT_TRUE(blocks_in(child.pid(), "pause"));
  // A fork has its variables where its parent has them.
  const auto address = reinterpret_cast<std::uint64_t>(&pending);  // NOLINT(*-reinterpret-cast)
  const Sample seen = sample(child.pid(), {{"ProcDiePending", {address, sizeof pending}}});
  EXPECT_EQ(seen.flags.proc_die_pending, 1);
  EXPECT_EQ(pending, 0);
}

TEST(LiveProcess, TheStartTimeIsNow) {
  const ChildProcess child([] { ::pause(); });
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
                       std::chrono::system_clock::now().time_since_epoch()
  )
                       .count();
  const ProcStat stat = parse_stat(ProcFs().read(child.pid(), "stat").value()).value();
  const std::int64_t started = started_at_micros(ProcFs(), stat.start_ticks).value();
  EXPECT_NEAR(static_cast<double>(started), static_cast<double>(now), 3e6);
}

}  // namespace
}  // namespace pghang
