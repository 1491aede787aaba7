#include "collectors/sampler/memory_lock.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace pghang::sampler {
namespace {

constexpr int kNotPermitted = 77;
constexpr std::size_t kMegabyte = 1024 * 1024;

long locked_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmLck:")) return std::stol(line.substr(6));
  }
  return -1;
}

/// The exit code of a child that runs `body`: what it locks ends with it.
template <typename Body>
int in_child(const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(MemoryLock, HoldsWhatIsThereAndWhatComes) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer's shadow is most of the address space";
#endif
  const int code = in_child([] {
    if (!lock_pages()) return kNotPermitted;
    const long before = locked_kilobytes();
    if (before < 1000) return 1;
    const std::vector<char> later(32 * kMegabyte, 'x');
    return locked_kilobytes() >= before + 32L * 1024 ? 0 : 2;
  });
  if (code == kNotPermitted) GTEST_SKIP() << "neither CAP_IPC_LOCK nor room below RLIMIT_MEMLOCK";
  EXPECT_EQ(code, 0);
}

TEST(MemoryLock, IsNotTakenBelowALimitThatTheNextAllocationWouldReach) {
  const int code = in_child([] {
    rlimit limit{};
    ::getrlimit(RLIMIT_MEMLOCK, &limit);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, kMegabyte);
    ::setrlimit(RLIMIT_MEMLOCK, &limit);
    const auto locked = lock_memory();
    return !locked && locked.error().code == Errc::permission_denied && locked_kilobytes() == 0 ? 0
                                                                                                : 1;
  });
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace pghang::sampler
