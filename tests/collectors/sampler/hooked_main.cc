/// pghangd-sampler with the hooks that production leaves empty, for tests of survival.
///
///   PGHANG_TEST_KILL=child|worker|keeper|daemon   SIGKILL that process ...
///   PGHANG_TEST_AT=before_seize|after_interrupt|while_stopped|after_detach   ... at this point
///                  or, of a trace: trace_before_seize|trace_after_interrupt|trace_first_stop|
///                  trace_entry|trace_exit|trace_signal|trace_group_stop|trace_running|trace_end
///   PGHANG_TEST_HANG=child|worker   that process never goes on, all signals blocked
///   PGHANG_TEST_CRASH=unwinder      the worker dies of SIGSEGV when it is about to unwind
///   PGHANG_TEST_STUCK=PATH          the capture child creates PATH first: on a frozen file system
///                                   that is a D state
///   PGHANG_TEST_COUNT_FILE=PATH     holds how often that is still to happen; without: every time
///   PGHANG_TEST_PID_FILE=PATH       gets `CHILD WORKER KEEPER`, the pids, when KILL happens
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <string>

#include "collectors/sampler/helper_main.h"

namespace {

using pghang::CapturePoint;
using pghang::TracePoint;
using pghang::sampler::HelperHooks;
using pghang::sampler::KeeperOptions;

std::string environment(const char* name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

struct Plan {
  std::string kill = environment("PGHANG_TEST_KILL");
  std::string at = environment("PGHANG_TEST_AT");
  std::string hang = environment("PGHANG_TEST_HANG");
  std::string stuck = environment("PGHANG_TEST_STUCK");
  std::string crash = environment("PGHANG_TEST_CRASH");
  std::string count_file = environment("PGHANG_TEST_COUNT_FILE");
  std::string pid_file = environment("PGHANG_TEST_PID_FILE");
  pid_t keeper = ::getpid();
  pid_t daemon = ::getppid();
};

/// Takes one off the count. The processes of a helper that come here do so one at a time.
bool is_due(const Plan& plan) {
  if (plan.count_file.empty()) return true;
  int left = 0;
  std::ifstream(plan.count_file) >> left;
  if (left <= 0) return false;
  std::ofstream(plan.count_file) << left - 1;
  return true;
}

[[noreturn]] void hang() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  for (;;)
    ::pause();
}

/// As a read behind the end of damaged tables would; without a core file.
[[noreturn]] void crash() {
  const rlimit none{};
  ::setrlimit(RLIMIT_CORE, &none);
  ::signal(SIGSEGV, SIG_DFL);  // a sanitizer would make an exit of it
  ::raise(SIGSEGV);
  ::_exit(1);
}

std::string name_of(CapturePoint point) {
  switch (point) {
    case CapturePoint::before_seize: return "before_seize";
    case CapturePoint::after_interrupt: return "after_interrupt";
    case CapturePoint::while_stopped: return "while_stopped";
    case CapturePoint::after_detach: return "after_detach";
  }
  return "";
}

std::string name_of(TracePoint point) {
  switch (point) {
    case TracePoint::before_seize: return "trace_before_seize";
    case TracePoint::after_interrupt: return "trace_after_interrupt";
    case TracePoint::at_first_stop: return "trace_first_stop";
    case TracePoint::at_entry: return "trace_entry";
    case TracePoint::at_exit: return "trace_exit";
    case TracePoint::at_signal: return "trace_signal";
    case TracePoint::at_group_stop: return "trace_group_stop";
    case TracePoint::while_running: return "trace_running";
    case TracePoint::after_detach: return "trace_end";
  }
  return "";
}

void reach(const Plan& plan, const std::string& point) {
  if (plan.kill.empty() || plan.at != point || !is_due(plan)) return;
  const std::map<std::string, pid_t> victims{
      {"child", ::getpid()},
      {"worker", ::getppid()},
      {"keeper", plan.keeper},
      {"daemon", plan.daemon},
  };
  if (!plan.pid_file.empty()) {
    std::ofstream(plan.pid_file) << ::getpid() << ' ' << ::getppid() << ' ' << plan.keeper << '\n';
  }
  const auto victim = victims.find(plan.kill);
  if (victim == victims.end()) return;
  ::kill(victim->second, SIGKILL);
  hang();  // the point stays as it is until the end of this process comes from there
}

void start_child(const Plan& plan) {
  if (plan.hang == "child" && is_due(plan)) hang();
  if (!plan.stuck.empty() && is_due(plan)) {
    const int fd = ::open(plan.stuck.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0) ::close(fd);
  }
}

}  // namespace

int main() {
  const Plan plan;
  const HelperHooks hooks{
      .capture_point = [&plan](CapturePoint point) { reach(plan, name_of(point)); },
      .trace_point = [&plan](TracePoint point) { reach(plan, name_of(point)); },
      .child_started = [&plan] { start_child(plan); },
      .request_received =
          [&plan] {
            if (plan.hang == "worker" && is_due(plan)) hang();
          },
      .before_unwinding =
          [&plan] {
            if (plan.crash == "unwinder" && is_due(plan)) crash();
          },
      .interfere = true,
  };
  KeeperOptions options;
  options.max_starts = 1000;  // the tests kill workers faster than production would allow
  return pghang::sampler::run_helper(hooks, options);
}
