#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/collectors/sampler/support.h"

/// Traces of real processes, by both ways.
namespace pghang::sampler {
namespace {

using std::chrono::milliseconds;
using testing::eventually;
using testing::Helper;
using testing::run;
using testing::Target;

constexpr std::uint32_t kDurationMs = 700;

TraceRequest request_for(const Target& target, TraceMethod method) {
  TraceRequest request;
  request.pid = target.pid();
  request.start_ticks = target.stat().start_ticks;
  request.duration_ms = kDurationMs;
  request.allow_perf = method == TraceMethod::perf;
  request.allow_ptrace = method == TraceMethod::ptrace;
  return request;
}

Result<SyscallTrace> trace_of(Helper& helper, const TraceRequest& request) {
  return run(helper.loop(), helper.client().trace(request, milliseconds(10'000)));
}

/// Traces, and does something once the trace has begun.
Result<SyscallTrace> trace_while(
    Helper& helper,
    const Target& target,
    const TraceRequest& request,
    const std::function<void()>& act
) {
  std::thread other([&] {
    // A perf event cannot be seen from outside; the tracer is there after some milliseconds.
    if (request.allow_ptrace) {
      static_cast<void>(eventually([&] { return target.status().tracer_pid != 0; }));
    }
    std::this_thread::sleep_for(milliseconds(200));
    act();
  });
  auto trace = trace_of(helper, request);
  other.join();
  return trace;
}

const TracedCall* call(const SyscallTrace& trace, const std::string& name) {
  const auto found = std::ranges::find(trace.calls, name, &TracedCall::name);
  return found == trace.calls.end() ? nullptr : &*found;
}

/// Gives this test, and the helper it starts, tracefs where every system that mounts it has it. In
/// a mount namespace of its own: nothing is left to undo. False where there is none.
bool has_tracefs() {
  constexpr const char* place = "/sys/kernel/tracing";
  if (::access("/sys/kernel/tracing/events", F_OK) == 0) return true;
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tracefs", place, "tracefs", 0, nullptr) == 0;
}

class Trace : public ::testing::TestWithParam<TraceMethod> {
 protected:
  void SetUp() override {
    if (GetParam() != TraceMethod::perf) return;
    if (::geteuid() != 0) GTEST_SKIP() << "perf events on tracepoints need root";
    if (!has_tracefs()) GTEST_SKIP() << "no tracefs can be mounted here";
  }

  static bool by_ptrace() { return GetParam() == TraceMethod::ptrace; }
};

TEST_P(Trace, CountsEveryCallAndItsErrors) {
  const Target target("calls");
  Helper helper;
  const auto trace =
      trace_while(helper, target, request_for(target, GetParam()), [&] { target.signal(SIGUSR1); });
  ASSERT_TRUE(trace) << trace.error().context;
  EXPECT_EQ(trace->method, GetParam());
  EXPECT_EQ(trace->end, TraceEnd::duration);
  const TracedCall* parent = call(*trace, "getppid");
  ASSERT_NE(parent, nullptr);
  EXPECT_EQ(parent->calls, 500U);
  EXPECT_TRUE(parent->errors.empty());
  EXPECT_GT(parent->micros, 0);
  EXPECT_LE(parent->longest_micros, parent->micros);
  const TracedCall* read = call(*trace, "pread64");
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->calls, 300U);
  ASSERT_EQ(read->errors.size(), 1U);
  EXPECT_EQ(read->errors[0], (TracedError{"EBADF", 300}));
  ASSERT_TRUE(trace->unfinished);
  EXPECT_EQ(trace->unfinished->name, "epoll_wait");
  EXPECT_EQ(trace->lost, 0U);
  EXPECT_EQ(trace->threads, 1U);
  EXPECT_GE(trace->seconds, 0.7);
  if (by_ptrace()) {
    EXPECT_GE(trace->stops, 1600U);
    EXPECT_GT(trace->held_micros, 0);
    EXPECT_EQ(trace->signals, 1U);
  } else {
    EXPECT_EQ(trace->stops, 0U);
    EXPECT_EQ(trace->held_micros, 0);
  }
}

TEST_P(Trace, OfOneThatWaitsShowsNoCallButTheUnfinishedOne) {
  const Target target("calls");
  Helper helper;
  const auto trace = trace_of(helper, request_for(target, GetParam()));
  ASSERT_TRUE(trace) << trace.error().context;
  EXPECT_TRUE(trace->calls.empty());
  ASSERT_TRUE(trace->unfinished);
  EXPECT_EQ(trace->unfinished->name, "epoll_wait");
  EXPECT_GE(trace->unfinished->seconds, 0.6);
  EXPECT_EQ(trace->state_after, ProcessState::sleeping);
  EXPECT_EQ(trace->tracer_after, 0);
  EXPECT_EQ(trace->interrupted, by_ptrace() ? "epoll_wait" : "");
  EXPECT_EQ(trace->stops, by_ptrace() ? 2U : 0U) << "the first stop, and the entry after it";
}

TEST_P(Trace, ASleepBrokenOffIsTheSameCallAfterwards) {
  const Target target("sleep");
  Helper helper;
  const auto trace = trace_of(helper, request_for(target, GetParam()));
  ASSERT_TRUE(trace) << trace.error().context;
  ASSERT_TRUE(trace->unfinished);
  EXPECT_EQ(trace->unfinished->name, "clock_nanosleep");
  EXPECT_EQ(target.stat().state, ProcessState::sleeping);
}

TEST_P(Trace, OfASpinnerEndsInTimeAndLetsItRunOn) {
  const Target target("spin");
  Helper helper;
  const auto trace = trace_of(helper, request_for(target, GetParam()));
  ASSERT_TRUE(trace) << trace.error().context;
  EXPECT_TRUE(trace->calls.empty());
  EXPECT_FALSE(trace->unfinished);
  EXPECT_TRUE(eventually([&] { return target.runs_on(); }));
}

TEST_P(Trace, ASignalMeanwhileIsDeliveredExactlyOnce) {
  const Target target("calls");
  Helper helper;
  ASSERT_TRUE(trace_while(helper, target, request_for(target, GetParam()), [&] {
    target.signal(SIGUSR1);
  }));
  EXPECT_EQ(target.stat().comm, "got 1");
  target.signal(SIGUSR1);
  EXPECT_TRUE(eventually([&] { return target.stat().comm == "got 2"; }));
}

TEST_P(Trace, AStopMeanwhileStaysOneUntilItIsContinued) {
  const Target target("calls");
  Helper helper;
  const auto trace =
      trace_while(helper, target, request_for(target, GetParam()), [&] { target.signal(SIGSTOP); });
  ASSERT_TRUE(trace) << trace.error().context;
  EXPECT_EQ(trace->state_after, ProcessState::stopped);
  EXPECT_EQ(target.stat().state, ProcessState::stopped);
  target.signal(SIGCONT);
  target.signal(SIGUSR1);
  EXPECT_TRUE(eventually([&] { return target.stat().comm == "got 1"; }));
}

TEST_P(Trace, AStopAndAContinueMeanwhileBothTakeEffect) {
  const Target target("calls");
  Helper helper;
  const auto trace = trace_while(helper, target, request_for(target, GetParam()), [&] {
    target.signal(SIGSTOP);
    // The tracer shows a group stop as t, everybody else as T.
    EXPECT_TRUE(eventually([&] {
      const ProcessState state = target.stat().state;
      return state == ProcessState::stopped || state == ProcessState::traced;
    }));
    target.signal(SIGUSR1);
    std::this_thread::sleep_for(milliseconds(100));
    EXPECT_NE(target.stat().comm, "got 1") << "it ran while it was stopped";
    target.signal(SIGCONT);
  });
  ASSERT_TRUE(trace) << trace.error().context;
  EXPECT_EQ(trace->state_after, ProcessState::sleeping);
  ASSERT_NE(call(*trace, "getppid"), nullptr);
  EXPECT_EQ(call(*trace, "getppid")->calls, 500U);
  EXPECT_EQ(target.stat().comm, "got 1");
}

TEST_P(Trace, EndsWithItsTarget) {
  const Target target("calls");
  Helper helper;
  const auto trace =
      trace_while(helper, target, request_for(target, GetParam()), [&] { target.signal(SIGTERM); });
  ASSERT_TRUE(trace) << trace.error().context;
  EXPECT_EQ(trace->end, TraceEnd::exited);
  EXPECT_LT(trace->seconds, 0.7);
  EXPECT_FALSE(trace->unfinished);
}

TEST_P(Trace, EndsWhenItsTargetBecomesAnotherProgram) {
  const Target target("calls");
  Helper helper;
  const auto trace =
      trace_while(helper, target, request_for(target, GetParam()), [&] { target.signal(SIGUSR2); });
  ASSERT_TRUE(trace) << trace.error().context;
  EXPECT_EQ(trace->end, TraceEnd::exec);
  EXPECT_TRUE(eventually([&] { return target.stat().state == ProcessState::sleeping; }));
  EXPECT_EQ(target.status().tracer_pid, 0);
}

TEST_P(Trace, LeavesAStoppedProcessAlone) {
  const Target target("calls");
  target.signal(SIGSTOP);
  ASSERT_TRUE(eventually([&] { return target.stat().state == ProcessState::stopped; }));
  Helper helper;
  const auto trace = trace_of(helper, request_for(target, GetParam()));
  ASSERT_FALSE(trace);
  EXPECT_EQ(trace.error(), (Error{Errc::refused, "a process in state T is left alone"}));
}

TEST_P(Trace, OfAnotherProcessThanAskedForIsNotBegun) {
  const Target target("calls");
  Helper helper;
  TraceRequest request = request_for(target, GetParam());
  ++request.start_ticks;
  const auto trace = trace_of(helper, request);
  ASSERT_FALSE(trace);
  EXPECT_EQ(trace.error().code, Errc::identity_changed);
}

INSTANTIATE_TEST_SUITE_P(
    Ways,
    Trace,
    ::testing::Values(TraceMethod::perf, TraceMethod::ptrace),
    [](const auto& way) { return std::string(to_string(way.param)); }
);

TEST(TraceBounds, StopsEndItAndItSaysSo) {
  const Target target("chatter");
  Helper helper;
  TraceRequest request = request_for(target, TraceMethod::ptrace);
  request.max_stops = 200;
  request.max_held_share = 1;
  const auto trace = trace_of(helper, request);
  ASSERT_TRUE(trace) << trace.error().context;
  EXPECT_EQ(trace->end, TraceEnd::stops);
  EXPECT_EQ(trace->stops, 200U);
  EXPECT_TRUE(eventually([&] { return target.runs_on(); }));
}

TEST(TraceBounds, TheTimeHeldEndsIt) {
  const Target target("chatter");
  Helper helper;
  TraceRequest request = request_for(target, TraceMethod::ptrace);
  request.max_stops = 1'000'000;
  request.max_held_share = 0.001;
  const auto trace = trace_of(helper, request);
  ASSERT_TRUE(trace) << trace.error().context;
  EXPECT_EQ(trace->end, TraceEnd::held);
  EXPECT_GE(trace->held_micros, 700);
  EXPECT_LT(trace->held_micros - trace->longest_held_micros, 1'400) << "one hold too many at most";
  EXPECT_TRUE(eventually([&] { return target.runs_on(); }));
}

TEST(TraceRequests, ThatCannotBeDoneAreRefusedAtOnce) {
  const Target target("calls");
  Helper helper;
  TraceRequest request = request_for(target, TraceMethod::ptrace);
  request.duration_ms = kMinTraceMs - 1;
  EXPECT_EQ(trace_of(helper, request).error().code, Errc::refused);
  request.duration_ms = kMaxTraceMs + 1;
  EXPECT_EQ(trace_of(helper, request).error().code, Errc::refused);
  request.duration_ms = 9'000;
  EXPECT_EQ(trace_of(helper, request).error().code, Errc::refused) << "of 10 s of deadline";
  request.duration_ms = kDurationMs;
  request.allow_ptrace = false;
  EXPECT_EQ(trace_of(helper, request).error().code, Errc::refused) << "no way is left";
  request.pid = 0;
  EXPECT_EQ(trace_of(helper, request).error().code, Errc::malformed);
}

TEST(TraceOfAnEndedProcess, IsNotFound) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  ::waitpid(pid, nullptr, 0);
  Helper helper;
  TraceRequest request;
  request.pid = pid;
  request.duration_ms = kDurationMs;
  EXPECT_EQ(trace_of(helper, request).error().code, Errc::not_found);
}

}  // namespace
}  // namespace pghang::sampler
