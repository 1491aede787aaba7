#include "collectors/sampler/process_signal.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include <gtest/gtest.h>

#include "collectors/process/parsers.h"

namespace pghang::sampler {
namespace {

std::uint64_t start_ticks(pid_t pid) {
  return parse_stat(*ProcFs().read(pid, "stat"))->start_ticks;
}

/// As a backend: not at once. What has ended when the sender looks again may have ended before.
void end_late(int signal) {
  ::usleep(100'000);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

/// A child that leads its own process group, as a backend does, with a child of its own in it, as
/// COPY FROM PROGRAM has. This process plays the postmaster.
class Backend {
 public:
  explicit Backend(bool leader = true) {
    std::array<int, 2> ready{};
    EXPECT_EQ(::pipe(ready.data()), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::signal(SIGINT, end_late);
      ::signal(SIGTERM, end_late);
      if (leader) ::setsid();
      const pid_t below = ::fork();
      if (below != 0) static_cast<void>(::write(ready[1], &below, sizeof below));
      for (;;)
        ::pause();
    }
    EXPECT_EQ(::read(ready[0], &below_, sizeof below_), static_cast<ssize_t>(sizeof below_));
    ::close(ready[0]);
    ::close(ready[1]);
    request_.process = {pid_, start_ticks(pid_)};
    request_.postmaster = {::getpid(), start_ticks(::getpid())};
    request_.signal = SIGTERM;
  }

  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  ~Backend() {
    ::kill(below_, SIGKILL);
    if (ended_ == 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  /// The signal that ended it; waits for that.
  int ended_by() {
    if (ended_ == 0) {
      int status = 0;
      ::waitpid(pid_, &status, 0);
      ended_ = WTERMSIG(status);
    }
    return ended_;
  }

  [[nodiscard]] bool is_alive() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

  /// Waits: it is not a child of this process.
  [[nodiscard]] bool whole_group_ends() const {
    for (int tries = 0; tries < 500; ++tries) {
      const auto text = ProcFs().read(below_, "stat");
      if (!text || parse_stat(*text)->state == ProcessState::zombie) return true;
      ::usleep(10'000);
    }
    return false;
  }

  [[nodiscard]] const SignalRequest& request() const { return request_; }

 private:
  pid_t pid_ = 0;
  pid_t below_ = 0;
  int ended_ = 0;
  SignalRequest request_;
};

class ProcessSignal : public ::testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(ByPidfdAndByKill, ProcessSignal, ::testing::Bool(), [](const auto& by) {
  return by.param ? "ByPidfd" : "ByKill";
});

Result<void> send(const SignalRequest& request, bool by_pidfd) {
  return signal_process(ProcFs(), request, by_pidfd);
}

TEST_P(ProcessSignal, ReachesTheWholeProcessGroup) {
  for (const int signal : {SIGINT, SIGTERM}) {
    Backend backend;
    SignalRequest request = backend.request();
    request.signal = signal;
    const auto sent = send(request, GetParam());
    ASSERT_TRUE(sent) << sent.error().context;
    EXPECT_EQ(backend.ended_by(), signal);
    EXPECT_TRUE(backend.whole_group_ends());
  }
}

TEST_P(ProcessSignal, IsOnlySigintAndSigterm) {
  const Backend backend;
  SignalRequest request = backend.request();
  for (const int signal : {0, SIGKILL, SIGQUIT, SIGHUP, SIGSTOP, SIGCONT, SIGUSR1, 64}) {
    request.signal = signal;
    EXPECT_EQ(send(request, GetParam()).error().code, Errc::refused) << signal;
  }
  EXPECT_TRUE(backend.is_alive());
}

TEST_P(ProcessSignal, GoesToNobodyWhoStartedAtAnotherTime) {
  const Backend backend;
  SignalRequest request = backend.request();
  ++request.process.start_ticks;
  EXPECT_EQ(send(request, GetParam()).error().code, Errc::identity_changed);
  EXPECT_TRUE(backend.is_alive());
}

TEST_P(ProcessSignal, GoesToNobodyElsesChild) {
  const Backend backend;
  SignalRequest request = backend.request();
  request.postmaster = {::getppid(), start_ticks(::getppid())};
  EXPECT_EQ(send(request, GetParam()).error().code, Errc::identity_changed);
  EXPECT_TRUE(backend.is_alive());
}

TEST_P(ProcessSignal, GoesToNoChildOfAPostmasterThatStartedAtAnotherTime) {
  const Backend backend;
  SignalRequest request = backend.request();
  --request.postmaster.start_ticks;
  EXPECT_EQ(send(request, GetParam()).error().code, Errc::identity_changed);
  EXPECT_TRUE(backend.is_alive());
}

TEST_P(ProcessSignal, GoesToNoGroupThatTheProcessDoesNotLead) {
  const Backend backend(false);
  EXPECT_EQ(send(backend.request(), GetParam()).error().code, Errc::refused);
  EXPECT_TRUE(backend.is_alive());
}

TEST_P(ProcessSignal, NeverGoesToThePostmasterOrToWhoIsNotKnown) {
  const Backend backend;
  SignalRequest postmaster = backend.request();
  postmaster.process = postmaster.postmaster;
  SignalRequest no_start = backend.request();
  no_start.process.start_ticks = 0;
  SignalRequest no_parent_start = backend.request();
  no_parent_start.postmaster.start_ticks = 0;
  SignalRequest init = backend.request();
  init.process = {1, 1};
  SignalRequest all = backend.request();
  all.process.pid = -1;
  SignalRequest own_group = backend.request();
  own_group.process.pid = 0;
  for (const SignalRequest& request :
       {postmaster, no_start, no_parent_start, init, all, own_group}) {
    EXPECT_EQ(send(request, GetParam()).error().code, Errc::refused);
  }
  EXPECT_TRUE(backend.is_alive());
}

TEST_P(ProcessSignal, ToOneThatHasEndedIsNotSent) {
  Backend backend;
  ::kill(backend.request().process.pid, SIGKILL);
  siginfo_t zombie{};
  const auto id = static_cast<id_t>(backend.request().process.pid);
  ASSERT_EQ(::waitid(P_PID, id, &zombie, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(send(backend.request(), GetParam()).error().code, Errc::not_found) << "a zombie";
  EXPECT_EQ(backend.ended_by(), SIGKILL);
  EXPECT_EQ(send(backend.request(), GetParam()).error().code, Errc::not_found) << "nobody";
}

}  // namespace
}  // namespace pghang::sampler
