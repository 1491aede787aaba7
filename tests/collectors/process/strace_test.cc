#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "collectors/process/parsers.h"
#include "collectors/process/syscall_decoder.h"
#include "tests/collectors/process/support.h"

/// Children that block in each call that can block, read by us and by strace at the same time.
namespace pghang {
namespace {

using testing::ChildProcess;
using testing::eventually;
using testing::TempDir;

constexpr const char* kStrace = "/usr/bin/strace";

/// strace -p on a process, its output in a file; lets go at the end.
class Strace {
 public:
  Strace(pid_t pid, std::string file) : file_(std::move(file)) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    const std::string target = std::to_string(pid);
    ::execl(kStrace, kStrace, "-qq", "-o", file_.c_str(), "-p", target.c_str(), nullptr);
    ::_exit(127);
  }

  Strace(const Strace&) = delete;
  Strace& operator=(const Strace&) = delete;

  ~Strace() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }

  /// What it has written of the call that its process is in.
  [[nodiscard]] std::string last_line() const {
    std::ifstream lines(file_);
    std::string text((std::istreambuf_iterator<char>(lines)), {});
    return text.substr(text.rfind('\n') + 1);
  }

 private:
  std::string file_;
  pid_t pid_ = 0;
};

std::string our_text(pid_t pid) {
  const auto text = ProcFs().read(pid, "syscall");
  const auto line = text ? parse_syscall(*text) : Result<SyscallLine>(text.error());
  if (!line || line->running || line->number < 0) return "";
  return decode_syscall(*line, ProcessMemory(pid)).text;
}

/// Contents of buffers, which we never show, become the word that our addresses become.
std::string without_contents(const std::string& text) {
  static const std::regex kBuffer(R"re((, |iov_base=)(""|"[^"]*"(\.\.\.)?|0x[0-9a-f]+))re");
  return std::regex_replace(text, kBuffer, "$1BUFFER");
}

bool has_buffer(const std::string& name) {
  for (const char* call : {"write", "writev", "sendto", "sendmsg"})
    if (name == call) return true;
  return false;
}

/// strace writes what the kernel fills in only once the call returns: so far its line may end.
bool agree(const std::string& name, const std::string& ours, const std::string& theirs) {
  if (!theirs.starts_with(name + '(') || theirs.size() < name.size() + 2) return false;
  if (has_buffer(name)) return without_contents(ours).starts_with(without_contents(theirs));
  return ours.starts_with(theirs);
}

struct BlockedCall {
  const char* name;
  std::function<void(const std::string& folder)> block;
};

std::ostream& operator<<(std::ostream& out, const BlockedCall& call) {
  return out << call.name;
}

int pipe_end(int which) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) ::_exit(2);
  return ends.at(static_cast<std::size_t>(which));
}

int socket_end(int type = SOCK_STREAM) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, type, 0, ends.data()) != 0) ::_exit(2);
  return ends[0];
}

sigset_t some_signals() {
  sigset_t set{};
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGURG);
  return set;
}

constexpr timespec kHour{3600, 500};

/// For a child of a child: also where its parent has died before it came here.
void end_with_parent() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::alarm(20);
}

/// A lock that another process has, as long as this one lives.
int locked_file(const std::string& folder, const std::function<void(int)>& lock) {
  const std::string path = folder + "/lock";
  std::array<int, 2> ready{};
  if (::pipe(ready.data()) != 0) ::_exit(2);
  if (::fork() == 0) {
    end_with_parent();
    lock(::open(path.c_str(), O_RDWR | O_CREAT, 0600));
    if (::write(ready[1], "x", 1) != 1) ::_exit(2);
    ::pause();
    ::_exit(0);
  }
  char byte = 0;
  if (::read(ready[0], &byte, 1) != 1) ::_exit(2);
  return ::open(path.c_str(), O_RDWR);
}

void lock_range(int fd, int command) {
  struct flock range {};

  range.l_type = F_WRLCK;
  range.l_start = 10;
  range.l_len = 20;
  ::fcntl(fd, command, &range);
}

/// Goes when this process has ended.
int semaphore_set() {
  const int set = ::semget(IPC_PRIVATE, 2, 0600);
  const pid_t waiter = ::getpid();
  if (::fork() != 0) return set;
  while (::getppid() == waiter)
    ::usleep(20'000);
  ::semctl(set, 0, IPC_RMID);
  ::_exit(0);
}

void connect_to_full_queue(const std::string& folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder + "/s").copy(address.sun_path, sizeof address.sun_path - 1);
  const auto* const any = reinterpret_cast<const sockaddr*>(&address);  // NOLINT
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ::bind(listener, any, sizeof address);
  ::listen(listener, 0);
  for (;;)
    ::connect(::socket(AF_UNIX, SOCK_STREAM, 0), any, sizeof address);
}

const std::vector<BlockedCall>& blocked_calls() {
  static const std::vector<BlockedCall> kCalls {
    {"openat",
     [](const std::string& folder) {
       ::mkfifo((folder + "/fi fo\n").c_str(), 0600);
       ::syscall(SYS_openat, AT_FDCWD, (folder + "/fi fo\n").c_str(), O_RDONLY | O_CLOEXEC);
     }},
#if defined(__x86_64__)
        {"open",
         [](const std::string& folder) {
           ::mkfifo((folder + "/fifo").c_str(), 0600);
           ::syscall(SYS_open, (folder + "/fifo").c_str(), O_WRONLY);
         }},
        {"epoll_wait",
         [](const std::string&) {
           epoll_event event{};
           ::syscall(SYS_epoll_wait, ::epoll_create1(0), &event, 1, -1);
         }},
        {"poll",
         [](const std::string&) {
           std::array<pollfd, 2> list{{{pipe_end(0), POLLIN | POLLRDHUP, 0}, {-1, 0, 0}}};
           ::syscall(SYS_poll, list.data(), 2, 3'600'000);
         }},
        {"select",
         [](const std::string&) {
           fd_set set;
           FD_ZERO(&set);
           const int fd = pipe_end(0);
           FD_SET(fd, &set);
           timeval hour{3600, 5};
           ::syscall(SYS_select, fd + 1, &set, nullptr, nullptr, &hour);
         }},
#endif
        {"read",
         [](const std::string&) {
           std::array<char, 100> buffer{};
           static_cast<void>(::read(pipe_end(0), buffer.data(), buffer.size()));
         }},
        {"readv",
         [](const std::string&) {
           std::array<char, 100> buffer{};
           iovec vector{buffer.data(), buffer.size()};
           static_cast<void>(::readv(pipe_end(0), &vector, 1));
         }},
        {"write",
         [](const std::string&) {
           const std::vector<char> buffer(1U << 20U, 'x');
           static_cast<void>(::write(pipe_end(1), buffer.data(), buffer.size()));
         }},
        {"writev",
         [](const std::string&) {
           std::vector<char> buffer(1U << 20U, 'x');
           std::array<iovec, 2> vectors{{{buffer.data(), 10}, {buffer.data(), buffer.size()}}};
           static_cast<void>(::writev(pipe_end(1), vectors.data(), 2));
         }},
        {"epoll_pwait",
         [](const std::string&) {
           epoll_event event{};
           const sigset_t set = some_signals();
           ::syscall(SYS_epoll_pwait, ::epoll_create1(0), &event, 1, -1, &set, 8);
         }},
        {"ppoll",
         [](const std::string&) {
           pollfd entry{pipe_end(0), POLLIN, 0};
           const sigset_t set = some_signals();
           ::syscall(SYS_ppoll, &entry, 1, &kHour, &set, 8);
         }},
        {"pselect6",
         [](const std::string&) {
           fd_set set;
           FD_ZERO(&set);
           const int fd = pipe_end(0);
           FD_SET(fd, &set);
           const sigset_t signals = some_signals();
           const timespec hour = kHour;
           ::pselect(fd + 1, &set, nullptr, nullptr, &hour, &signals);
         }},
        {"futex",
         [](const std::string&) {
           static int word = 5;
           const timespec hour = kHour;
           ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 5, &hour, nullptr, 0);
         }},
        {"semtimedop",
         [](const std::string&) {
           sembuf operation{1, -1, SEM_UNDO};
           ::syscall(SYS_semtimedop, semaphore_set(), &operation, 1, &kHour);
         }},
#if defined(__x86_64__)
        {"semop",
         [](const std::string&) {
           sembuf operation{0, -1, 0};
           ::syscall(SYS_semop, semaphore_set(), &operation, 1);
         }},
#endif
        {"connect", connect_to_full_queue},
        {"accept4",
         [](const std::string& folder) {
           sockaddr_un address{};
           address.sun_family = AF_UNIX;
           (folder + "/s").copy(address.sun_path, sizeof address.sun_path - 1);
           const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
           ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address);  // NOLINT
           ::listen(listener, 1);
           ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
         }},
        {"recvfrom",
         [](const std::string&) {
           std::array<char, 100> buffer{};
           ::recvfrom(socket_end(), buffer.data(), buffer.size(), MSG_PEEK, nullptr, nullptr);
         }},
        {"recvmsg",
         [](const std::string&) {
           std::array<char, 100> buffer{};
           iovec vector{buffer.data(), buffer.size()};
           msghdr message{};
           message.msg_iov = &vector;
           message.msg_iovlen = 1;
           ::recvmsg(socket_end(), &message, MSG_WAITALL);
         }},
        {"sendto",
         [](const std::string&) {
           const std::vector<char> buffer(16U << 20U, 'x');
           ::sendto(socket_end(), buffer.data(), buffer.size(), MSG_NOSIGNAL, nullptr, 0);
         }},
        {"sendmsg",
         [](const std::string&) {
           std::vector<char> buffer(16U << 20U, 'x');
           iovec vector{buffer.data(), buffer.size()};
           msghdr message{};
           message.msg_iov = &vector;
           message.msg_iovlen = 1;
           ::sendmsg(socket_end(), &message, MSG_NOSIGNAL);
         }},
        {"wait4",
         [](const std::string&) {
           if (::fork() == 0) {
             end_with_parent();
             ::pause();
           }
           ::wait4(-1, nullptr, WUNTRACED, nullptr);
         }},
        {"waitid",
         [](const std::string&) {
           const pid_t child = ::fork();
           if (child == 0) {
             end_with_parent();
             ::pause();
           }
           siginfo_t info{};
           ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
         }},
        {"nanosleep",
         [](const std::string&) {
           ::syscall(SYS_nanosleep, &kHour, nullptr);
         }},
        {"clock_nanosleep",
         [](const std::string&) {
           ::clock_nanosleep(CLOCK_MONOTONIC, 0, &kHour, nullptr);
         }},
        {"flock",
         [](const std::string& folder) {
           const int fd = locked_file(folder, [](int file) { ::flock(file, LOCK_EX); });
           ::flock(fd, LOCK_SH);
         }},
        {"fcntl",
         [](const std::string& folder) {
           lock_range(locked_file(folder, [](int fd) { lock_range(fd, F_SETLKW); }), F_SETLKW);
         }},
        {"fcntl",
         [](const std::string& folder) {
           const int fd = locked_file(folder, [](int file) { lock_range(file, F_OFD_SETLKW); });
           lock_range(fd, F_OFD_SETLKW);
         }},
        {"io_uring_enter",
         [](const std::string&) {
           io_uring_params params{};
           const auto ring = ::syscall(SYS_io_uring_setup, 8, &params);
           ::syscall(SYS_io_uring_enter, ring, 0, 1, IORING_ENTER_GETEVENTS, nullptr, 8);
         }},
        {"rt_sigtimedwait", [](const std::string&) {
           const sigset_t set = some_signals();
           ::syscall(SYS_rt_sigtimedwait, &set, nullptr, &kHour, 8);
         }},
  };
  return kCalls;
}

class AgainstStrace : public ::testing::TestWithParam<BlockedCall> {};

TEST_P(AgainstStrace, OurTextIsItsOwn) {
  if (::access(kStrace, X_OK) != 0) GTEST_SKIP() << "strace is not installed";
  const TempDir dir;
  std::array<int, 2> gate{};
  ASSERT_EQ(::pipe2(gate.data(), O_CLOEXEC), 0);
  const ChildProcess child([&] {
    char byte = 0;
    if (::read(gate[0], &byte, 1) != 1) ::_exit(2);
    GetParam().block(dir.path());
  });
  {
    // It enters the call while strace looks, which so writes it from its start.
    const Strace strace(child.pid(), dir.path() / "trace");
    ASSERT_TRUE(eventually([&] { return strace.last_line().starts_with("read("); }));
    ASSERT_EQ(::write(gate[1], "x", 1), 1);
    std::string ours;
    std::string theirs;
    EXPECT_TRUE(eventually([&] {
      theirs = strace.last_line();
      ours = our_text(child.pid());
      const bool waits_at_gate = ours.starts_with("read(" + std::to_string(gate[0]) + ',');
      return !waits_at_gate && agree(GetParam().name, ours, theirs);
    })) << "ours:   "
        << ours << "\nstrace: " << theirs;
    if (::getenv("PGHANG_SHOW_STRACE") != nullptr)
      std::fprintf(stderr, "ours    %s\nstrace  %s\n", ours.c_str(), theirs.c_str());
  }
  ::close(gate[0]);
  ::close(gate[1]);
}

INSTANTIATE_TEST_SUITE_P(
    BlockedCalls,
    AgainstStrace,
    ::testing::ValuesIn(blocked_calls()),
    [](const ::testing::TestParamInfo<BlockedCall>& call) {
      return std::string(call.param.name) + "_" + std::to_string(call.index);
    }
);

}  // namespace
}  // namespace pghang
