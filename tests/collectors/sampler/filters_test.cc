#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "collectors/sampler/helper_filters.h"

namespace pghang::sampler {
namespace {

constexpr pid_t kNobody = 0x3FFFFFFF;  ///< beyond the largest pid

/// One system call: its name, and what the kernel says (0 or errno).
struct Call {
  std::string name;
  std::function<int()> make;
};

template <typename... Arguments>
Call call(std::string name, long number, Arguments... arguments) {
  return {std::move(name), [=] {
            return ::syscall(number, arguments...) < 0 ? errno : 0;
          }};
}

Call opening(std::string name, int flags) {
  return {std::move(name), [=] {
            return ::openat(AT_FDCWD, "/dev/null", flags) < 0 ? errno : 0;
          }};
}

Call asking(std::string name, int request) {
  return call(std::move(name), SYS_ptrace, static_cast<long>(request), kNobody, 0L, 0L);
}

Call forking() {
  return {"fork", [] {
            const pid_t pid = ::fork();
            if (pid == 0) ::_exit(0);
            if (pid < 0) return errno;
            ::waitpid(pid, nullptr, 0);
            return 0;
          }};
}

const Call kExec = call("execve", SYS_execve, "/nowhere", 0L, 0L);
const Call kWriteMemory =
    call("process_vm_writev", SYS_process_vm_writev, kNobody, 0L, 0L, 0L, 0L, 0L);
const Call kReadMemory =
    call("process_vm_readv", SYS_process_vm_readv, kNobody, 0L, 0L, 0L, 0L, 0L);
const Call kPerf = call("perf_event_open", SYS_perf_event_open, 0L, kNobody, -1L, -1L, 0L);
const Call kSignal = call("kill", SYS_kill, kNobody, 0L);
const Call kMount = call("mount", SYS_mount, "a", "/nowhere", "tmpfs", 0L, 0L);
const Call kInternet = call("socket(AF_INET)", SYS_socket, AF_INET, SOCK_STREAM, 0);
const Call kNetlink = call("socket(AF_NETLINK)", SYS_socket, AF_NETLINK, SOCK_RAW, 4);
const Call kPacket = call("socket(AF_PACKET)", SYS_socket, AF_PACKET, SOCK_DGRAM, 0);
const Call kRead = opening("open for reading", O_RDONLY);
const Call kWrite = opening("open for writing", O_WRONLY);
const Call kReadAndWrite = opening("open for both", O_RDWR);
const Call kCreate = opening("open or create", O_RDONLY | O_CREAT);
const Call kAttach = asking("the attach of old, request 16", 16);
const Call kPoke = asking("PTRACE_POKEDATA", PTRACE_POKEDATA);
const Call kSeize = asking("PTRACE_SEIZE", PTRACE_SEIZE);
const Call kSyscalls = asking("PTRACE_SYSCALL", PTRACE_SYSCALL);

/// Makes the calls in a child with these filters, installed in turn, and names those that came out
/// otherwise: refused is EPERM, allowed is anything else.
std::string surprises(
    const std::vector<const std::optional<SyscallFilter>*>& filters,
    const std::vector<Call>& refused,
    const std::vector<Call>& allowed
) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::string found;
    for (const auto* filter : filters)
      if (!*filter || !(*filter)->install()) found += "no filter; ";
    for (const Call& one : refused)
      if (const int error = one.make(); error != EPERM)
        found += one.name + ": " + std::to_string(error) + "; ";
    for (const Call& one : allowed)
      if (one.make() == EPERM) found += one.name + " is refused; ";
    static_cast<void>(!::write(ends[1], found.data(), found.size()));
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string found;
  char byte = 0;
  while (::read(ends[0], &byte, 1) == 1)
    found += byte;
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (status != 0) found += "it ended with " + std::to_string(status);
  return found;
}

class HelperFilter : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto tried = SyscallFilter::compile({}); !tried)
      GTEST_SKIP() << tried.error().context;
  }

  HelperFilters filters_ = compile_helper_filters(false);
};

TEST_F(HelperFilter, OfTheKeeperRefusesWhatNoProcessOfTheSamplerDoes) {
  EXPECT_EQ(
      surprises(
          {&filters_.keeper},
          {kExec, kWriteMemory, kMount, kAttach, kPoke, kPacket},
          {kSeize, kSyscalls, kReadMemory, kSignal, kRead, kWrite, kInternet, kNetlink, forking()}
      ),
      ""
  );
}

TEST_F(HelperFilter, OfTheWorkerRefusesTheNetworkAndToWriteFiles) {
  EXPECT_EQ(
      surprises(
          {&filters_.keeper, &filters_.worker},
          {kExec, kAttach, kInternet, kWrite, kReadAndWrite, kCreate},
          {kSeize, kReadMemory, kSignal, kRead, kNetlink, forking()}
      ),
      ""
  );
}

TEST_F(HelperFilter, OfAWorkerThatDownloadsAllowsBoth) {
  const HelperFilters downloading = compile_helper_filters(true);
  EXPECT_EQ(
      surprises(
          {&downloading.keeper, &downloading.worker},
          {kExec, kAttach, kPacket},
          {kInternet, kWrite, kCreate, kRead, forking()}
      ),
      ""
  );
}

TEST_F(HelperFilter, OfTheCaptureChildLeavesReadingAndAStopThatEndsWithIt) {
  EXPECT_EQ(
      surprises(
          {&filters_.keeper, &filters_.worker, &filters_.capture},
          {kExec,
           kAttach,
           kPoke,
           kSyscalls,
           kWriteMemory,
           kSignal,
           kWrite,
           kReadAndWrite,
           kCreate,
           kInternet,
           kPerf,
           forking()},
          {kSeize, kReadMemory, kRead, kNetlink}
      ),
      ""
  );
}

TEST_F(HelperFilter, OfTheTracingChildAlsoFollowsSystemCalls) {
  EXPECT_EQ(
      surprises(
          {&filters_.keeper, &filters_.worker, &filters_.trace},
          {kExec, kAttach, kPoke, kWriteMemory, kSignal, kWrite, kInternet, forking()},
          {kSeize, kSyscalls, kReadMemory, kRead}
      ),
      ""
  );
}

TEST_F(HelperFilter, OfTheChildThatReadsDebugInformationTouchesNoProcess) {
  EXPECT_EQ(
      surprises(
          {&filters_.keeper, &filters_.worker, &filters_.symbols},
          {kExec,
           kAttach,
           kSeize,
           kReadMemory,
           kPerf,
           kSignal,
           kWrite,
           kInternet,
           kNetlink,
           forking()},
          {kRead}
      ),
      ""
  );
}

TEST_F(HelperFilter, OfTheChildThatDownloadsTouchesNoProcess) {
  const HelperFilters downloading = compile_helper_filters(true);
  EXPECT_EQ(
      surprises(
          {&downloading.keeper, &downloading.worker, &downloading.fetch},
          {kExec, kAttach, kSeize, kReadMemory, kPerf, kSignal, forking()},
          {kRead, kWrite, kCreate, kInternet}
      ),
      ""
  );
}

TEST_F(HelperFilter, AFamilyCannotBeHiddenInTheUpperHalfOfTheArgument) {
  const long hidden = (1L << 32) | AF_PACKET;
  EXPECT_EQ(
      surprises({&filters_.keeper}, {call("socket", SYS_socket, hidden, SOCK_DGRAM, 0)}, {}),
      ""
  );
}

}  // namespace
}  // namespace pghang::sampler
