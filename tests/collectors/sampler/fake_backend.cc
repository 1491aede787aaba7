/// A process to look at: exports PostgreSQL's interrupt variables as postgres does, says `ready` on
/// its standard output and then does what its argument names, until it is killed: spins, sleeps,
/// makes system calls when told to or all the time, creates a file, or is the postmaster of a
/// cluster. Its name counts the SIGUSR1 that it got.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>

// PostgreSQL's names.
// NOLINTBEGIN(readability-identifier-naming)
extern "C" {
volatile sig_atomic_t InterruptPending = 1;
volatile sig_atomic_t ProcDiePending = 1;
volatile sig_atomic_t QueryCancelPending = 0;
volatile std::uint32_t InterruptHoldoffCount = 3;
volatile std::uint32_t CritSectionCount = 0;
int PostmasterPid = 4711;

// NOLINTEND(readability-identifier-naming)

[[gnu::noinline]] void fake_backend_spins() {
  for (;;)
    InterruptPending = InterruptPending;
}

/// Wakes more often than it can be looked at.
[[gnu::noinline]] void fake_backend_wakes() {
  ::prctl(PR_SET_TIMERSLACK, 1);
  const timespec moment{0, 20'000};
  for (;;)
    ::nanosleep(&moment, nullptr);
}

[[gnu::noinline]] void fake_backend_sleeps() {
  for (;;)
    ::sleep(1000);  // NOLINT(concurrency-mt-unsafe): one thread
}
}

namespace {

void rest() {
  epoll_event event{};
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  for (;;)
    ::epoll_wait(set, &event, 1, -1);
}

volatile sig_atomic_t signals = 0;
volatile sig_atomic_t becomes_another = 0;

/// The count is the name that ps shows.
void count_signal(int /*number*/) {
  signals = signals + 1;
  char name[] = "got 0";
  name[4] = static_cast<char>('0' + signals % 10);
  ::prctl(PR_SET_NAME, name);
}

void note_exec(int /*number*/) {
  becomes_another = 1;
}

void handle(int number, void (*handler)(int)) {
  struct sigaction action {};

  action.sa_handler = handler;
  ::sigaction(number, &action, nullptr);
}

/// For each SIGUSR1 500 getppid and 300 failing pread; SIGUSR2: another program. Else it waits.
[[noreturn]] void make_calls() {
  epoll_event event{};
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  for (sig_atomic_t served = 0;;) {
    ::epoll_wait(set, &event, 1, -1);
    if (becomes_another != 0) ::execl("/proc/self/exe", "fake", "pause", nullptr);
    if (served == signals) continue;
    served = signals;
    for (int i = 0; i < 500; ++i)
      ::getppid();
    for (int i = 0; i < 300; ++i)
      if (::pread(-1, &event, sizeof event, 0) == 0) ::_exit(1);
  }
}

[[noreturn]] void chatter() {
  for (;;)
    ::getppid();
}

void fork_child(void (*body)()) {
  if (::fork() != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  body();
}

void idle() {
  InterruptPending = 0;
  ProcDiePending = 0;
  InterruptHoldoffCount = 0;
  rest();
}

void stop() {
  InterruptHoldoffCount = 1;
  ::raise(SIGSTOP);
  rest();
}

/// Its children: one asleep with interrupts held, one stopped, and a hundred that idle.
void start_cluster() {
  PostmasterPid = ::getpid();
  fork_child(fake_backend_sleeps);
  fork_child(stop);
  for (int i = 0; i < 100; ++i)
    fork_child(idle);
}

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const char* mode = argc > 1 ? argv[1] : "";
  if (std::strcmp(mode, "cluster") == 0) start_cluster();
  if (std::strcmp(mode, "pause") == 0) rest();
  handle(SIGUSR1, count_signal);
  handle(SIGUSR2, note_exec);
  if (::write(STDOUT_FILENO, "ready", 5) != 5) return 1;
  if (std::strcmp(mode, "calls") == 0) make_calls();
  if (std::strcmp(mode, "chatter") == 0) chatter();
  if (std::strcmp(mode, "cluster") == 0) idle();
  if (std::strcmp(mode, "spin") == 0) fake_backend_spins();
  if (std::strcmp(mode, "wake") == 0) fake_backend_wakes();
  if (std::strcmp(mode, "sleep") == 0) fake_backend_sleeps();
  if (mode[0] == '/') return ::open(mode, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) < 0 ? 1 : 0;
  return 0;
}
