#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <utility>

#include <gtest/gtest.h>

#include "collectors/process/fd_describer.h"
#include "collectors/process/observer.h"
#include "config/unique_fd.h"
#include "tests/collectors/process/support.h"

/// A real descriptor of each kind, and who is at its other end.
namespace pghang {
namespace {

using testing::blocks_in;
using testing::ChildProcess;
using testing::TempDir;

FdTarget own(const UniqueFd& fd) {
  return describe_fd(ProcFs(), ::getpid(), fd.get()).value();
}

Capture observed(pid_t pid) {
  Capture capture;
  EXPECT_TRUE(observe_process(ProcFs(), pid, true, capture));
  EXPECT_TRUE(capture.syscall);
  return capture;
}

TEST(DescriptorKinds, ASignalfdTellsItsSignals) {
  sigset_t set{};
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGURG);
  const UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC));
  EXPECT_EQ(own(fd).kind, FdKind::signalfd);
  EXPECT_EQ(own(fd).detail, "SIGUSR1 SIGURG");
}

TEST(DescriptorKinds, AnEventfdTellsItsCount) {
  const UniqueFd fd(::eventfd(26, EFD_CLOEXEC));
  EXPECT_EQ(own(fd).kind, FdKind::eventfd);
  EXPECT_EQ(own(fd).detail, "count 26");
}

TEST(DescriptorKinds, ATimerfdTellsWhenItFires) {
  const UniqueFd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  EXPECT_EQ(own(fd).kind, FdKind::timerfd);
  EXPECT_EQ(own(fd).detail, "CLOCK_MONOTONIC, not armed");
  const itimerspec hours{{7200, 0}, {3600, 0}};
  ASSERT_EQ(::timerfd_settime(fd.get(), 0, &hours, nullptr), 0);
  const std::string detail = own(fd).detail;
  EXPECT_TRUE(detail.starts_with("CLOCK_MONOTONIC, fires in 3")) << detail;
  EXPECT_TRUE(detail.ends_with(", every 7200.00 s")) << detail;
}

TEST(DescriptorKinds, AnIoUringTellsItsRings) {
  io_uring_params params{};
  const UniqueFd fd(static_cast<int>(::syscall(SYS_io_uring_setup, 8, &params)));
  if (!fd) GTEST_SKIP() << "this kernel gives no io_uring: " << std::strerror(errno);
  EXPECT_EQ(own(fd).kind, FdKind::io_uring);
  EXPECT_EQ(own(fd).detail, "0 submissions not taken by the kernel, 0 completions not read");
}

TEST(DescriptorKinds, APidfdNamesItsProcess) {
  const ChildProcess sleeper([] { ::pause(); });
  const ChildProcess waiter([&] {
    pollfd entry{static_cast<int>(::syscall(SYS_pidfd_open, sleeper.pid(), 0)), POLLIN, 0};
    ::ppoll(&entry, 1, nullptr, nullptr);
  });
  ASSERT_TRUE(blocks_in(sleeper.pid(), "pause"));
  ASSERT_TRUE(blocks_in(waiter.pid(), "ppoll"));
  const Capture capture = observed(waiter.pid());
  ASSERT_TRUE(capture.syscall->fd);
  EXPECT_EQ(capture.syscall->fd->kind, FdKind::pidfd);
  EXPECT_EQ(capture.syscall->fd->detail, "of pid " + std::to_string(sleeper.pid()));
  ASSERT_EQ(capture.syscall->fd->peers.size(), 1U);
  EXPECT_EQ(capture.syscall->fd->peers[0].pid, sleeper.pid());
}

TEST(DescriptorKinds, AnInotifyAndAMemfdAreTold) {
  const UniqueFd watcher(::inotify_init1(IN_CLOEXEC));
  ASSERT_GE(::inotify_add_watch(watcher.get(), "/tmp", IN_CREATE), 0);
  EXPECT_EQ(own(watcher).kind, FdKind::inotify);
  EXPECT_EQ(own(watcher).detail, "1 watch");
  const UniqueFd memory(::memfd_create("shared", MFD_CLOEXEC));
  EXPECT_EQ(own(memory).kind, FdKind::memfd);
  EXPECT_EQ(own(memory).target, "/memfd:shared");
  EXPECT_FALSE(own(memory).deleted);
}

TEST(DescriptorKinds, AFileIsOnABlockDevice) {
  if (!testing::root_is_mounted()) GTEST_SKIP() << testing::kRootNotMounted;
  const UniqueFd file(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  const FdTarget fd = own(file);
  if (fd.fs_type != "ext4" && fd.fs_type != "xfs")
    GTEST_SKIP() << "/etc is on " << fd.fs_type << ", not on a disk";
  EXPECT_TRUE(fd.block_device.starts_with("/dev/")) << fd.block_device;
}

class UnixSockets : public ::testing::Test {
 protected:
  /// The child waits in recvfrom() of a socket that is connected to ours.
  static void expect_found(pid_t child, const std::string& address) {
    ASSERT_TRUE(blocks_in(child, "recvfrom"));
    const Capture capture = observed(child);
    ASSERT_TRUE(capture.syscall->fd);
    const FdTarget& fd = *capture.syscall->fd;
    EXPECT_EQ(fd.kind, FdKind::socket);
    EXPECT_EQ(fd.protocol, "unix");
    EXPECT_EQ(fd.state, "connected");
    EXPECT_EQ(fd.remote, address);
    const bool found = std::ranges::any_of(fd.peers, [](const RelatedProcess& peer) {
      return peer.pid == ::getpid() && peer.comm == "process_test";
    });
    EXPECT_TRUE(found) << fd.peers.size();
  }

  static void expect_server_found(const sockaddr_un& address, socklen_t length, const char* name) {
    const auto* const any = reinterpret_cast<const sockaddr*>(&address);  // NOLINT
    const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(listener.get(), any, length), 0);
    ASSERT_EQ(::listen(listener.get(), 4), 0);
    const ChildProcess child([&] {
      const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      char byte = 0;
      if (::connect(fd, any, length) != 0 || ::recv(fd, &byte, 1, 0) < 0) ::_exit(2);
    });
    const UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    expect_found(child.pid(), name);

    const ChildProcess server([&] { ::accept(listener.get(), nullptr, nullptr); });
    ASSERT_TRUE(blocks_in(server.pid(), "accept"));
    const Capture capture = observed(server.pid());
    ASSERT_TRUE(capture.syscall->fd);
    EXPECT_EQ(capture.syscall->fd->state, "LISTEN");
    EXPECT_EQ(capture.syscall->fd->local, name);
  }
};

TEST_F(UnixSockets, OfAPairFindEachOther) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const ChildProcess child([&] {
    ::close(ours.get());
    char byte = 0;
    if (::recv(theirs.get(), &byte, 1, 0) < 0) ::_exit(2);
  });
  theirs.reset();
  expect_found(child.pid(), "");
}

TEST_F(UnixSockets, OfAServerTellItsPath) {
  const TempDir dir;
  const std::string path = dir.path() / ".s.PGSQL.5432";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  expect_server_found(address, sizeof address, path.c_str());
}

TEST_F(UnixSockets, OfAServerTellAnAbstractName) {
  const std::string name = "pghang-test-" + std::to_string(::getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  expect_server_found(address, length, ("@" + name).c_str());
}

TEST(InetSockets, OfIpv6LoopbackFindEachOtherAndTellWhatWaits) {
  const UniqueFd listener(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  auto* const any = reinterpret_cast<sockaddr*>(&address);  // NOLINT
  socklen_t length = sizeof address;
  if (::bind(listener.get(), any, length) != 0) GTEST_SKIP() << "no IPv6 here";
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), any, &length), 0);
  const ChildProcess child([&] {
    const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char byte = 0;
    if (::connect(fd, any, length) != 0 || ::recv(fd, &byte, 1, MSG_PEEK) < 0) ::_exit(2);
    pollfd entry{fd, POLLPRI, 0};
    ::ppoll(&entry, 1, nullptr, nullptr);
  });
  const UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_EQ(::send(accepted.get(), "hello", 5, 0), 5);
  ASSERT_TRUE(blocks_in(child.pid(), "ppoll"));
  const Capture capture = observed(child.pid());
  ASSERT_TRUE(capture.syscall->fd);
  const FdTarget& fd = *capture.syscall->fd;
  EXPECT_EQ(fd.protocol, "tcp");
  EXPECT_EQ(fd.state, "ESTABLISHED");
  EXPECT_EQ(fd.remote, "[::1]:" + std::to_string(ntohs(address.sin6_port)));
  EXPECT_TRUE(fd.local.starts_with("[::1]:")) << fd.local;
  EXPECT_EQ(fd.queues, (SocketQueues{5, 0}));
  ASSERT_EQ(fd.peers.size(), 1U);
  EXPECT_EQ(fd.peers[0].pid, ::getpid());
}

TEST(InetSockets, OfUdpTellTheirAddress) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = reinterpret_cast<sockaddr*>(&address);  // NOLINT
  socklen_t length = sizeof address;
  ASSERT_EQ(::bind(socket.get(), any, length), 0);
  ASSERT_EQ(::getsockname(socket.get(), any, &length), 0);
  const ChildProcess child([&] {
    char byte = 0;
    if (::recv(socket.get(), &byte, 1, 0) < 0) ::_exit(2);
  });
  ASSERT_TRUE(blocks_in(child.pid(), "recvfrom"));
  const Capture capture = observed(child.pid());
  ASSERT_TRUE(capture.syscall->fd);
  EXPECT_EQ(capture.syscall->fd->protocol, "udp");
  EXPECT_EQ(capture.syscall->fd->state, "unconnected");
  EXPECT_EQ(capture.syscall->fd->local, "127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
}

/// What a backend waits for: its latch, its postmaster's death and its client.
class Eventpoll : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::pipe2(death_.data(), O_CLOEXEC), 0);
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, client_.data()), 0);
  }

  void TearDown() override {
    for (const int fd : {death_[0], death_[1], client_[0], client_[1]})
      ::close(fd);
  }

  void wait_for_all() const {
    ::close(death_[1]);
    ::close(client_[0]);
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    const int latch = ::eventfd(0, EFD_CLOEXEC);
    const int closed = ::eventfd(0, EFD_CLOEXEC);
    for (const auto& [fd, events] : std::initializer_list<std::pair<int, std::uint32_t>>{
             {latch, EPOLLIN},
             {death_[0], EPOLLIN},
             {client_[1], EPOLLIN | EPOLLRDHUP},
             {closed, EPOLLIN}}) {
      epoll_event event{};
      event.events = events;
      ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    }
    ::close(closed);
    epoll_event event{};
    ::epoll_wait(poll, &event, 1, -1);
  }

  std::array<int, 2> death_{};
  std::array<int, 2> client_{};
};

TEST_F(Eventpoll, NamesEachMemberAndItsOtherEnd) {
  const ChildProcess child([&] { wait_for_all(); });
#if defined(__x86_64__)
  ASSERT_TRUE(blocks_in(child.pid(), "epoll_wait"));
#else
  ASSERT_TRUE(blocks_in(child.pid(), "epoll_pwait"));
#endif
  const Capture capture = observed(child.pid());
  const auto& members = capture.syscall->members;
  ASSERT_EQ(members.size(), 3U) << "a closed member is none";
  const auto member = [&](FdKind kind) {
    return std::ranges::find(members, kind, &FdTarget::kind);
  };
  ASSERT_NE(member(FdKind::eventfd), members.end());
  EXPECT_EQ(member(FdKind::eventfd)->detail, "count 0");
  EXPECT_EQ(member(FdKind::eventfd)->events, "EPOLLIN");

  const auto pipe = member(FdKind::pipe);
  ASSERT_NE(pipe, members.end());
  EXPECT_EQ(pipe->number, death_[0]);
  EXPECT_EQ(pipe->detail, "read end");
  ASSERT_EQ(pipe->peers.size(), 1U);
  EXPECT_EQ(pipe->peers[0].pid, ::getpid());

  const auto socket = member(FdKind::socket);
  ASSERT_NE(socket, members.end());
  EXPECT_EQ(socket->events, "EPOLLIN|EPOLLRDHUP");
  EXPECT_EQ(socket->protocol, "unix");
  ASSERT_EQ(socket->peers.size(), 1U);
  EXPECT_EQ(socket->peers[0].pid, ::getpid());
}

TEST_F(Eventpoll, APollOfSeveralNamesEach) {
  const ChildProcess child([&] {
    ::close(death_[1]);
    ::close(client_[0]);
    std::array<pollfd, 2> list{{{death_[0], POLLIN, 0}, {client_[1], POLLIN | POLLPRI, 0}}};
    ::ppoll(list.data(), list.size(), nullptr, nullptr);
  });
  ASSERT_TRUE(blocks_in(child.pid(), "ppoll"));
  const Capture capture = observed(child.pid());
  EXPECT_FALSE(capture.syscall->fd);
  ASSERT_EQ(capture.syscall->members.size(), 2U);
  EXPECT_EQ(capture.syscall->members[0].kind, FdKind::pipe);
  EXPECT_EQ(capture.syscall->members[1].events, "POLLIN|POLLPRI");
  ASSERT_EQ(capture.syscall->members[1].peers.size(), 1U);
  EXPECT_EQ(capture.syscall->members[1].peers[0].pid, ::getpid());
}

TEST(OomScores, AreThoseOfTheProcess) {
  const ChildProcess child([] { ::pause(); });
  ASSERT_TRUE(blocks_in(child.pid(), "pause"));
  const Capture capture = observed(child.pid());
  ASSERT_TRUE(capture.oom);
  EXPECT_GE(capture.oom->score, 0);
}

}  // namespace
}  // namespace pghang
