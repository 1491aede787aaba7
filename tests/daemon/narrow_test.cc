#include "daemon/service/narrow.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include <gtest/gtest.h>

namespace pghang {
namespace {

constexpr pid_t kNobody = 0x3FFFFFFF;  ///< beyond the largest pid

bool is_refused(long result) {
  return result < 0 && errno == EPERM;
}

/// The exit code of a child that narrows itself and then does this.
int in_narrowed_child(int (*body)()) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(narrow_daemon() ? body() : 99);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class NarrowDaemon : public testing::Test {
 protected:
  void SetUp() override {
    const int code = in_narrowed_child([] { return 0; });
    if (code == 99) GTEST_SKIP() << "built with a sanitizer, or no seccomp here";
  }
};

TEST_F(NarrowDaemon, NeitherReadsNorTracesNorSignalsOthersByDescriptorNorStartsPrograms) {
  EXPECT_EQ(
      in_narrowed_child([] {
        if (!is_refused(::syscall(SYS_ptrace, 0x4206L, kNobody, 0L, 0L))) return 1;
        if (!is_refused(::syscall(SYS_process_vm_readv, kNobody, 0L, 0L, 0L, 0L, 0L))) return 2;
        if (!is_refused(::syscall(SYS_execve, "/nowhere", 0L, 0L))) return 3;
        if (!is_refused(::syscall(SYS_execveat, -1L, "/nowhere", 0L, 0L, 0L))) return 4;
        if (!is_refused(::syscall(SYS_perf_event_open, 0L, kNobody, -1L, -1L, 0L))) return 5;
        if (!is_refused(::syscall(SYS_pidfd_send_signal, -1L, 9L, 0L, 0L))) return 6;
        if (!is_refused(::fork())) return 7;
        return 0;
      }),
      0
  );
}

TEST_F(NarrowDaemon, StillStartsThreadsAndTheyAreNarrowedToo) {
  EXPECT_EQ(
      in_narrowed_child([] {
        bool refused = false;
        std::thread([&] { refused = is_refused(::syscall(SYS_execve, "/nowhere", 0L, 0L)); }
        ).join();
        return refused ? 0 : 1;
      }),
      0
  );
}

}  // namespace
}  // namespace pghang
