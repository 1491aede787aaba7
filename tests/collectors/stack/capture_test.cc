#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "config/unique_fd.h"
#include "tests/collectors/stack/elf_builder.h"
#include "tests/collectors/stack/live_target.h"
#include "tests/collectors/stack/take.h"

namespace pghang::test {
namespace {

constexpr std::chrono::milliseconds kDeadline{1000};

TEST(Capture, LeavesASleepingProcessAsleep) {
  const LiveTarget target("target_plain", "nanosleep");
  ASSERT_TRUE(wait_for_state(target.pid(), ProcessState::sleeping));
  const auto before = ProcFs().read(target.pid(), "status");
  const auto snapshot = take_in_place(target.pid());
  ASSERT_TRUE(snapshot) << snapshot.error().context;
  EXPECT_EQ(snapshot->held_micros, 0);
  EXPECT_TRUE(snapshot->in_syscall);
  EXPECT_FALSE(snapshot->stack_truncated);
  const auto after = ProcFs().read(target.pid(), "status");
  EXPECT_EQ(parse_status(*before)->voluntary_switches, parse_status(*after)->voluntary_switches);
}

TEST(Capture, InPlaceWorksOnAStoppedProcess) {
  const LiveTarget target("target_frame_pointer", "spin");
  ::kill(target.pid(), SIGSTOP);
  ASSERT_TRUE(wait_for_state(target.pid(), ProcessState::stopped));
  const auto snapshot = take_in_place(target.pid());
  ASSERT_TRUE(snapshot) << snapshot.error().context;
  EXPECT_FALSE(snapshot->in_syscall);
  const StackTrace trace = trace_of(*snapshot);
  EXPECT_TRUE(trace.complete) << trace.stop_reason;
  EXPECT_EQ(names(trace).at(0), "pghang_spin");
  EXPECT_EQ(state_of(target.pid()), ProcessState::stopped);
}

TEST(Capture, InPlaceSaysThatAProcessRuns) {
  const LiveTarget target("target_plain", "spin");
  ASSERT_TRUE(wait_for_state(target.pid(), ProcessState::running));
  const auto snapshot = take_in_place(target.pid());
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error().code, Errc::busy);
}

/// A /proc of one process in which it has been on CPU between any two looks.
class RestlessProc {
 public:
  explicit RestlessProc(pid_t pid) : folder_("/tmp/pghang-restless-XXXXXX") {
    if (::mkdtemp(folder_.data()) == nullptr) return;
    const std::string process = folder_ + "/" + std::to_string(pid);
    std::filesystem::create_directory(process);
    for (const char* name : {"stat", "syscall"})
      std::ofstream(process + "/" + name) << ProcFs().read(pid, name).value();
    clock_ = process + "/schedstat";
    ::mkfifo(clock_.c_str(), 0600);
    writer_ = std::thread([this] { write_clock(); });
  }

  RestlessProc(const RestlessProc&) = delete;
  RestlessProc& operator=(const RestlessProc&) = delete;

  ~RestlessProc() {
    done_ = true;
    const UniqueFd reader(::open(clock_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    writer_.join();
    std::filesystem::remove_all(folder_);
  }

  [[nodiscard]] ProcFs proc() const { return ProcFs(folder_); }

 private:
  void write_clock() {
    for (int nanos = 1; !done_; ++nanos) {
      std::ofstream(clock_) << nanos << " 0 1\n";
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  std::string folder_;
  std::string clock_;
  std::atomic<bool> done_ = false;
  std::thread writer_;
};

TEST(Capture, ThrowsAwayWhatWasCopiedWhileTheProcessRan) {
  const LiveTarget target("target_plain", "read");
  ASSERT_TRUE(wait_for_state(target.pid(), ProcessState::sleeping));
  const RestlessProc restless(target.pid());
  std::uint32_t torn = 0;
  const auto snapshot =
      capture_in_place(restless.proc(), key_of(target.pid()), mappings_of(target.pid()), torn);
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error().code, Errc::busy);
  EXPECT_EQ(snapshot.error().context, "the process ran on every attempt");
  EXPECT_EQ(torn, 3U);
}

TEST(Capture, OfAProcessThatKeepsWakingIsWholeOrNotThere) {
  const LiveTarget target("target_frame_pointer", "wake");
  const auto mappings = mappings_of(target.pid());
  std::uint32_t torn = 0;
  for (int i = 0; i < 100; ++i) {
    auto snapshot = capture_in_place(ProcFs(), key_of(target.pid()), mappings, torn);
    if (!snapshot) {
      EXPECT_EQ(snapshot.error().code, Errc::busy) << snapshot.error().context;
      continue;
    }
    snapshot->mappings = mappings;
    const StackTrace trace = trace_of(*snapshot);
    EXPECT_TRUE(trace.complete) << trace.stop_reason;
    EXPECT_EQ(std::ranges::count(names(trace), "pghang_block"), 1);
  }
}

TEST(Capture, RefusesToStopAStoppedProcess) {
  const LiveTarget target("target_plain", "read");
  ::kill(target.pid(), SIGSTOP);
  ASSERT_TRUE(wait_for_state(target.pid(), ProcessState::stopped));
  const auto snapshot = take_ptrace_stop(target.pid());
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error().code, Errc::refused);
  EXPECT_EQ(state_of(target.pid()), ProcessState::stopped);
}

TEST(Capture, RefusesAZombie) {
  const LiveTarget target("target_plain", "read");
  ::kill(target.pid(), SIGKILL);
  ASSERT_TRUE(wait_for_state(target.pid(), ProcessState::zombie));
  EXPECT_EQ(take_ptrace_stop(target.pid()).error().code, Errc::refused);
}

TEST(Capture, SeesThatAPidWasReused) {
  const LiveTarget target("target_plain", "read");
  ASSERT_TRUE(wait_for_state(target.pid(), ProcessState::sleeping));
  ProcessKey key = key_of(target.pid());
  --key.start_ticks;
  const auto mappings = mappings_of(target.pid());
  std::uint32_t torn = 0;
  EXPECT_EQ(capture_in_place(ProcFs(), key, mappings, torn).error().code, Errc::identity_changed);
  EXPECT_EQ(
      capture_ptrace_stop(ProcFs(), key, mappings, kDeadline, {}).error().code,
      Errc::identity_changed
  );
  EXPECT_EQ(state_of(target.pid()), ProcessState::sleeping);
}

TEST(Capture, SaysThatAProcessIsGone) {
  ProcessKey key;
  {
    const LiveTarget target("target_plain", "read");
    key = key_of(target.pid());
  }
  std::uint32_t torn = 0;
  EXPECT_EQ(capture_in_place(ProcFs(), key, {}, torn).error().code, Errc::not_found);
  EXPECT_EQ(capture_ptrace_stop(ProcFs(), key, {}, kDeadline, {}).error().code, Errc::not_found);
}

TEST(Capture, SurvivesADeathDuringTheHold) {
  const LiveTarget target("target_plain", "spin");
  const auto snapshot = capture_ptrace_stop(
      ProcFs(),
      key_of(target.pid()),
      mappings_of(target.pid()),
      kDeadline,
      [&](CapturePoint point) {
        if (point == CapturePoint::while_stopped) ::kill(target.pid(), SIGKILL);
      }
  );
  // SIGKILL ends the stop at once; how far the capture came before that is a matter of luck.
  if (!snapshot) {
    EXPECT_EQ(snapshot.error().code, Errc::not_found) << snapshot.error().context;
  }
  EXPECT_TRUE(wait_for_state(target.pid(), ProcessState::zombie));
}

TEST(Capture, ReportsItsPointsInOrder) {
  const LiveTarget target("target_plain", "spin");
  std::vector<CapturePoint> points;
  std::vector<ProcessState> states;
  const auto snapshot = capture_ptrace_stop(
      ProcFs(),
      key_of(target.pid()),
      mappings_of(target.pid()),
      kDeadline,
      [&](CapturePoint point) {
        points.push_back(point);
        states.push_back(state_of(target.pid()));
      }
  );
  ASSERT_TRUE(snapshot) << snapshot.error().context;
  using enum CapturePoint;
  EXPECT_EQ(points, (std::vector{before_seize, after_interrupt, while_stopped, after_detach}));
  EXPECT_EQ(states.at(0), ProcessState::running);
  EXPECT_EQ(states.at(2), ProcessState::traced);
  EXPECT_EQ(states.at(3), ProcessState::running);
  EXPECT_EQ(snapshot->registers[kRegisterRip].has_value(), true);
  EXPECT_FALSE(snapshot->in_syscall);
}

TEST(Capture, StopsAnInterruptedSleepOnlyForTheHold) {
  const LiveTarget target("target_plain", "nanosleep");
  ASSERT_TRUE(wait_for_state(target.pid(), ProcessState::sleeping));
  const auto snapshot = take_ptrace_stop(target.pid());
  ASSERT_TRUE(snapshot) << snapshot.error().context;
  EXPECT_TRUE(snapshot->in_syscall);
  EXPECT_TRUE(wait_for_state(target.pid(), ProcessState::sleeping));
}

/// Keeps everybody else from one CPU.
class CpuHog {
 public:
  explicit CpuHog(int cpu) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const sched_param lowest{.sched_priority = 1};
    if (!pin(0, cpu) || ::sched_setscheduler(0, SCHED_FIFO, &lowest) != 0) ::_exit(1);
    for (;;)
      asm volatile("");
  }

  CpuHog(const CpuHog&) = delete;
  CpuHog& operator=(const CpuHog&) = delete;

  ~CpuHog() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  static bool pin(pid_t pid, int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    return ::sched_setaffinity(pid, sizeof set, &set) == 0;
  }

  [[nodiscard]] bool runs() const {
    return ::sched_getscheduler(pid_) == SCHED_FIFO && state_of(pid_) == ProcessState::running;
  }

 private:
  pid_t pid_;
};

TEST(Capture, LetsATargetGoThatDoesNotStopInTime) {
  if (::sysconf(_SC_NPROCESSORS_ONLN) < 2) GTEST_SKIP() << "needs two CPUs";
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  if (!CpuHog::pin(0, 0)) GTEST_SKIP() << "CPU 0 is not ours";
  const LiveTarget target("target_plain", "spin");
  ASSERT_TRUE(CpuHog::pin(target.pid(), 1));
  bool timed_out = false;
  {
    const CpuHog hog(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (!hog.runs()) GTEST_SKIP() << "SCHED_FIFO needs CAP_SYS_NICE";
    // The kernel gives the others a twentieth of a second in each second.
    for (int i = 0; i < 10 && !timed_out; ++i) {
      const auto snapshot = capture_ptrace_stop(
          ProcFs(),
          key_of(target.pid()),
          mappings_of(target.pid()),
          std::chrono::milliseconds(5),
          {}
      );
      timed_out = !snapshot && snapshot.error().code == Errc::timeout;
    }
    EXPECT_TRUE(timed_out);
    const auto status = ProcFs().read(target.pid(), "status");
    ASSERT_TRUE(status);
    EXPECT_EQ(parse_status(*status)->tracer_pid, 0);
  }
  // This process, which traced it, is still there.
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(state_of(target.pid()), ProcessState::running);
  ::sched_setaffinity(0, sizeof before, &before);
}

TEST(Capture, LosesNoSignalThatArrivesMeanwhile) {
  LiveTarget target("target_plain", "count");
  // Below RLIMIT_SIGPENDING and small enough that the queue never fills.
  constexpr int signals = 2000;
  std::atomic<bool> done = false;
  int sent = 0;
  std::thread sender([&] {
    for (int i = 0; i < signals; ++i) {
      if (::sigqueue(target.pid(), SIGRTMIN, {}) == 0) ++sent;
      std::this_thread::yield();
    }
    done = true;
  });
  int captured = 0;
  while (!done)
    captured += take_ptrace_stop(target.pid()).has_value() ? 1 : 0;
  sender.join();
  EXPECT_GT(captured, 0);
  EXPECT_EQ(target.end(), std::to_string(sent));
}

TEST(Capture, KeepsAGroupStopThatComesDuringTheHold) {
  const LiveTarget target("target_plain", "spin");
  const auto snapshot = capture_ptrace_stop(
      ProcFs(),
      key_of(target.pid()),
      mappings_of(target.pid()),
      kDeadline,
      [&](CapturePoint point) {
        if (point == CapturePoint::while_stopped) ::kill(target.pid(), SIGSTOP);
      }
  );
  ASSERT_TRUE(snapshot) << snapshot.error().context;
  EXPECT_TRUE(wait_for_state(target.pid(), ProcessState::stopped));
}

}  // namespace
}  // namespace pghang::test
