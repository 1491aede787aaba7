#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill(2) is POSIX, not <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "collectors/process/observer.h"
#include "tests/collectors/sampler/support.h"

/// Client, keeper, worker and capture child, looking at real processes.
namespace pghang::sampler {
namespace {

using std::chrono::milliseconds;
using testing::eventually;
using testing::Helper;
using testing::run;
using testing::Target;

bool has_frame(const Capture& capture, const std::string& function) {
  const auto& frames = capture.stack.frames;
  return std::any_of(frames.begin(), frames.end(), [&](const Frame& frame) {
    return frame.function == function;
  });
}

std::string names(const Capture& capture) {
  std::string text = capture.stack.stop_reason + ":";
  for (const Frame& frame : capture.stack.frames)
    text += " " + frame.function.value_or("?");
  return text;
}

TEST(CaptureOfASleeper, IsTakenInPlaceWithFlagsSyscallAndStack) {
  const Target target("sleep");
  Helper helper;
  const auto capture = helper.capture({.pid = target.pid()});
  ASSERT_TRUE(capture) << capture.error().context;
  EXPECT_FALSE(capture->gone);
  EXPECT_EQ(capture->key, (ProcessKey{target.pid(), target.stat().start_ticks}));
  EXPECT_EQ(capture->ppid, ::getpid());
  EXPECT_TRUE(capture->postgres);
  ASSERT_EQ(capture->samples.size(), 3U);
  const InterruptFlags& flags = capture->samples.back().flags;
  EXPECT_EQ(flags.proc_die_pending, 1);
  EXPECT_EQ(flags.interrupt_holdoff_count, 3);
  EXPECT_EQ(flags.query_cancel_pending, 0);
  EXPECT_EQ(flags.my_backend_type, std::nullopt);
  ASSERT_TRUE(capture->syscall);
  EXPECT_EQ(capture->syscall->name, "clock_nanosleep");
  EXPECT_GE(capture->syscall->at_least_seconds, 0.04);
  EXPECT_EQ(capture->stack.method, CaptureMethod::in_place);
  EXPECT_EQ(capture->stack.held_micros, 0);
  EXPECT_TRUE(capture->stack.complete) << capture->stack.stop_reason;
  EXPECT_TRUE(has_frame(*capture, "fake_backend_sleeps"));
  EXPECT_TRUE(has_frame(*capture, "main"));
  EXPECT_GT(capture->cpu_micros, 0);
  EXPECT_GE(capture->wall_micros, 40'000);
}

TEST(CaptureOfASleeper, ShowsTheSameStackInEverySample) {
  const Target target("sleep");
  Helper helper;
  const auto capture = helper.capture({.pid = target.pid()});
  ASSERT_TRUE(capture);
  ASSERT_EQ(capture->samples.size(), 3U);
  EXPECT_NE(capture->samples[0].stack_id, 0U);
  EXPECT_EQ(capture->samples[0].stack_id, capture->samples[1].stack_id);
  EXPECT_EQ(capture->samples[1].stack_id, capture->samples[2].stack_id);
}

TEST(CaptureOfSamplesOnly, HasCountersAndFlagsAndNothingElse) {
  const Target target("sleep");
  Helper helper;
  const auto capture = helper.capture({.pid = target.pid(), .samples = 1, .samples_only = true});
  ASSERT_TRUE(capture) << capture.error().context;
  EXPECT_EQ(capture->key, (ProcessKey{target.pid(), target.stat().start_ticks}));
  ASSERT_EQ(capture->samples.size(), 1U);
  EXPECT_EQ(capture->samples[0].flags.proc_die_pending, 1);
  EXPECT_TRUE(capture->samples[0].io);
  EXPECT_TRUE(capture->stack.frames.empty());
  EXPECT_FALSE(capture->syscall);
}

TEST(CaptureOfSamplesOnly, NeverStopsARunner) {
  const Target target("spin");
  Helper helper;
  const auto capture = helper.capture(
      {.pid = target.pid(), .samples = 2, .interval_ms = 250, .max_stops = 2, .samples_only = true}
  );
  ASSERT_TRUE(capture) << capture.error().context;
  ASSERT_EQ(capture->samples.size(), 2U);
  EXPECT_GT(capture->samples[1].cpu_nanos, capture->samples[0].cpu_nanos);
  EXPECT_EQ(capture->samples[0].held_micros + capture->samples[1].held_micros, 0);
}

TEST(CaptureOfARunner, StopsItOnceForTheLastSample) {
  const Target target("spin");
  Helper helper;
  const auto capture = helper.capture({.pid = target.pid(), .stop_deadline_ms = 1000});
  ASSERT_TRUE(capture) << capture.error().context;
  EXPECT_EQ(capture->stack.method, CaptureMethod::ptrace_stop);
  EXPECT_GT(capture->stack.held_micros, 0);
  EXPECT_TRUE(capture->stack.complete) << capture->stack.stop_reason;
  ASSERT_FALSE(capture->stack.frames.empty());
  EXPECT_EQ(capture->stack.frames.front().function, "fake_backend_spins");
  ASSERT_EQ(capture->samples.size(), 3U);
  EXPECT_EQ(capture->samples[0].stack_id, 0U);
  EXPECT_EQ(capture->samples[1].stack_id, 0U);
  EXPECT_NE(capture->samples[2].stack_id, 0U);
  EXPECT_EQ(capture->samples[2].flags.proc_die_pending, 1);
  EXPECT_TRUE(target.runs_on());
}

TEST(CaptureOfARunner, IsKernelOnlyWhenItMayNotBeStopped) {
  const Target target("spin");
  Helper helper;
  const auto capture = helper.capture({.pid = target.pid(), .allow_ptrace_stop = false});
  ASSERT_TRUE(capture) << capture.error().context;
  EXPECT_EQ(capture->stack.method, CaptureMethod::kernel_only);
  EXPECT_TRUE(std::any_of(
      capture->missing.begin(),
      capture->missing.end(),
      [](const Missing& missing) { return missing.evidence == "user_stack"; }
  ));
  EXPECT_TRUE(target.runs_on());
}

TEST(CaptureOfAWaker, AlwaysHasItsStack) {
  const Target target("wake");
  Helper helper;
  for (int i = 0; i < 30; ++i) {
    const auto capture = helper.capture({.pid = target.pid(), .samples = 1});
    ASSERT_TRUE(capture) << capture.error().context;
    EXPECT_TRUE(capture->stack.complete) << capture->stack.stop_reason;
    EXPECT_TRUE(has_frame(*capture, "fake_backend_wakes")) << names(*capture);
  }
}

TEST(CaptureOfAStoppedProcess, IsTakenInPlaceAndLeavesItStopped) {
  const Target target("spin");
  target.signal(SIGSTOP);
  ASSERT_TRUE(eventually([&] { return target.stat().state == ProcessState::stopped; }));
  Helper helper;
  const auto capture = helper.capture({.pid = target.pid()});
  ASSERT_TRUE(capture) << capture.error().context;
  EXPECT_EQ(capture->samples.back().state, ProcessState::stopped);
  EXPECT_EQ(capture->stack.method, CaptureMethod::in_place);
  EXPECT_TRUE(has_frame(*capture, "fake_backend_spins")) << names(*capture);
  EXPECT_EQ(target.stat().state, ProcessState::stopped);
  target.signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return target.runs_on(); }));
}

TEST(CaptureOfAZombie, SaysSoAndOfWhichParent) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  ASSERT_TRUE(eventually([&] { return testing::ended(pid); }));
  Helper helper;
  const auto capture = helper.capture({.pid = pid});
  ::waitpid(pid, nullptr, 0);
  ASSERT_TRUE(capture) << capture.error().context;
  EXPECT_FALSE(capture->gone);
  EXPECT_TRUE(has_ended(*capture));
  ASSERT_EQ(capture->samples.size(), 1U);
  EXPECT_EQ(capture->samples[0].state, ProcessState::zombie);
  EXPECT_EQ(capture->comm, "sampler_test");
  EXPECT_EQ(capture->ppid, ::getpid());
  ASSERT_TRUE(capture->parent);
  EXPECT_EQ(capture->parent->pid, ::getpid());
  EXPECT_EQ(capture->parent->comm, "sampler_test");
  EXPECT_TRUE(capture->missing.empty());
}

TEST(CaptureOfAProcessThatEndsMeanwhile, SaysThatItIsGoneAndWasThere) {
  const Target target("sleep");
  const std::uint64_t ticks = target.stat().start_ticks;
  Helper helper;
  std::thread killer([&] {
    std::this_thread::sleep_for(milliseconds(300));
    ::kill(target.pid(), SIGKILL);
    ::waitpid(target.pid(), nullptr, 0);
  });
  const auto capture = helper.capture({.pid = target.pid(), .samples = 20, .interval_ms = 100});
  killer.join();
  ASSERT_TRUE(capture) << capture.error().context;
  EXPECT_TRUE(capture->gone);
  EXPECT_EQ(capture->key, (ProcessKey{target.pid(), ticks}));
}

TEST(CaptureOfARunner, StopsItForTheLastSamplesAndCountsEachHold) {
  const Target target("chatter");
  Helper helper;
  const auto capture =
      helper.capture({.pid = target.pid(), .samples = 5, .stop_deadline_ms = 1000, .max_stops = 3});
  ASSERT_TRUE(capture) << capture.error().context;
  ASSERT_EQ(capture->samples.size(), 5U);
  double held = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    const Sample& sample = capture->samples[i];
    EXPECT_EQ(sample.stack_id != 0, i >= 2) << i;
    EXPECT_EQ(sample.held_micros > 0, i >= 2) << i;
    held += sample.held_micros;
  }
  EXPECT_DOUBLE_EQ(capture->stack.held_micros, held);
  EXPECT_TRUE(target.runs_on());
}

TEST(CaptureOfARunner, ThatMayNotBeStoppedIsNotStoppedForEarlierSamplesEither) {
  const Target target("spin");
  Helper helper;
  const auto capture =
      helper.capture({.pid = target.pid(), .allow_ptrace_stop = false, .max_stops = 3});
  ASSERT_TRUE(capture) << capture.error().context;
  for (const Sample& sample : capture->samples)
    EXPECT_EQ(sample.held_micros, 0);
}

TEST(CaptureOfAnEndedProcess, SaysGone) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  ::waitpid(pid, nullptr, 0);
  Helper helper;
  const auto capture = helper.capture({.pid = pid, .expect_start_ticks = 17});
  ASSERT_TRUE(capture) << capture.error().context;
  EXPECT_TRUE(capture->gone);
  EXPECT_EQ(capture->key, (ProcessKey{pid, 17}));
}

TEST(CaptureOfAKernelThread, HasNoUserStackAndSaysWhy) {
  Helper helper;
  const auto capture = helper.capture({.pid = 2});
  ASSERT_TRUE(capture) << capture.error().context;
  ASSERT_FALSE(capture->gone);
  EXPECT_EQ(capture->comm, "kthreadd");
  EXPECT_TRUE(capture->kernel_thread);
  EXPECT_EQ(capture->stack.method, CaptureMethod::kernel_only);
  const auto why =
      std::find_if(capture->missing.begin(), capture->missing.end(), [](const Missing& missing) {
        return missing.evidence == "user_stack";
      });
  ASSERT_NE(why, capture->missing.end());
  EXPECT_NE(why->error.find("kernel thread"), std::string::npos) << why->error;
}

TEST(Identity, AnotherStartTickIsAnotherProcess) {
  const Target target("sleep");
  Helper helper;
  const std::uint64_t ticks = target.stat().start_ticks;
  const auto wrong = helper.capture({.pid = target.pid(), .expect_start_ticks = ticks + 1});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::identity_changed);
  EXPECT_TRUE(helper.capture({.pid = target.pid(), .expect_start_ticks = ticks}));
}

TEST(Identity, AStartTimeBeyondTheToleranceIsAnotherProcess) {
  const Target target("sleep");
  Helper helper;
  const std::int64_t started = started_at_micros(ProcFs(), target.stat().start_ticks).value();
  for (const std::int64_t apart : {-2 * kStartToleranceMicros, 2 * kStartToleranceMicros}) {
    const auto wrong =
        helper.capture({.pid = target.pid(), .expect_started_at_micros = started + apart});
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Errc::identity_changed);
  }
  for (const std::int64_t apart : {-kStartToleranceMicros / 2, kStartToleranceMicros / 2}) {
    EXPECT_TRUE(helper.capture({.pid = target.pid(), .expect_started_at_micros = started + apart}));
  }
}

TEST(Request, ThatCannotBeDoneIsRefusedAtOnce) {
  Helper helper;
  EXPECT_EQ(helper.capture({.pid = 0}).error().code, Errc::malformed);
  EXPECT_EQ(helper.capture({.pid = -1}).error().code, Errc::malformed);
  EXPECT_EQ(helper.capture({.pid = 1, .samples = 0}).error().code, Errc::refused);
  EXPECT_EQ(helper.capture({.pid = 1, .samples = kMaxSamples + 1}).error().code, Errc::refused);
  const CaptureRequest long_one{.pid = 1, .samples = 11, .interval_ms = 100};
  EXPECT_EQ(helper.capture(long_one, milliseconds(2000)).error().code, Errc::refused);
}

TEST(Prewarm, LoadsModulesAndTellsWhenThereIsNoProcess) {
  const Target target("sleep");
  Helper helper;
  EXPECT_TRUE(run(helper.loop(), helper.client().prewarm({.pid = target.pid()}, milliseconds(5000)))
  );
  const auto warm = helper.capture({.pid = target.pid(), .samples = 1});
  ASSERT_TRUE(warm);
  EXPECT_TRUE(warm->stack.complete);
  const auto gone =
      run(helper.loop(), helper.client().prewarm({.pid = 0x3fffff}, milliseconds(5000)));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Errc::not_found);
}

TEST(Client, RefusesASecondCaptureWhileOneIsUnderWay) {
  const Target target("sleep");
  Helper helper;
  auto first = boost::asio::co_spawn(
      helper.loop(),
      helper.client().capture({.pid = target.pid()}, milliseconds(5000)),
      boost::asio::use_future
  );
  auto second = boost::asio::co_spawn(
      helper.loop(),
      helper.client().capture({.pid = target.pid()}, milliseconds(5000)),
      boost::asio::use_future
  );
  auto stats = boost::asio::co_spawn(
      helper.loop(),
      helper.client().stats(milliseconds(5000)),
      boost::asio::use_future
  );
  helper.loop().run();
  EXPECT_TRUE(first.get());
  const auto refused = second.get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::busy);
  EXPECT_TRUE(stats.get()) << "the keeper answers while a capture is under way";
}

TEST(Client, SaysWhenThereIsNoSuchProgram) {
  boost::asio::io_context loop;
  const auto client = SamplerClient::start(loop.get_executor(), "/nonexistent/pghangd-sampler");
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, Errc::not_found);
}

TEST(Client, EndsTheKeeperAndTheWorkerWithItself) {
  pid_t keeper = 0;
  pid_t worker = 0;
  {
    Helper helper;
    keeper = helper.client().keeper_pid();
    worker = helper.stats().worker_pid;
    ASSERT_GT(worker, 0);
    ASSERT_EQ(::kill(keeper, 0), 0);
    ASSERT_EQ(::kill(worker, 0), 0);
  }
  EXPECT_EQ(::kill(keeper, 0), -1) << "reaped by the destructor";
  EXPECT_TRUE(eventually([&] { return testing::ended(worker); }));
}

TEST(Client, CountsCaptures) {
  const Target target("sleep");
  Helper helper;
  EXPECT_EQ(helper.stats().captures, 0U);
  EXPECT_TRUE(helper.capture({.pid = target.pid(), .samples = 1}));
  EXPECT_TRUE(helper.capture({.pid = target.pid(), .samples = 1}));
  const SamplerStats stats = helper.stats();
  EXPECT_EQ(stats.captures, 2U);
  EXPECT_EQ(stats.worker_restarts, 0U);
  EXPECT_EQ(stats.abandoned, 0U);
}

TEST(SignalsOfATerminal, DoNotEndTheHelper) {
  const Target target("sleep");
  Helper helper;
  const pid_t worker = helper.stats().worker_pid;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    ::kill(helper.client().keeper_pid(), signal);
    ::kill(worker, signal);
  }
  EXPECT_TRUE(helper.capture({.pid = target.pid(), .samples = 1}));
  EXPECT_EQ(helper.stats().worker_pid, worker);
}

}  // namespace
}  // namespace pghang::sampler
