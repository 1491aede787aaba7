#include "collectors/process/socket_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

#include "collectors/process/observer.h"
#include "config/unique_fd.h"
#include "tests/collectors/process/support.h"

/// Who is at the other end of a TCP connection.
namespace pghang {
namespace {

using testing::blocks_in;
using testing::ChildProcess;

// As on a little-endian host: 127.0.0.1:5432 to 10.0.0.9:8080.
constexpr std::string_view kTcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
    "   0: 0100007F:1538 0900000A:1F90 01 00000000:00000000 00:00000000 00000000   109        0 "
    "4711 1 0000000000000000 20 4 30 10 -1\n"
    "   1: 0900000A:1F90 0100007F:1538 01 00000000:00000000 00:00000000 00000000     0        0 "
    "4712 1 0000000000000000 20 4 30 10 -1\n";

TEST(TcpTable, TellsTheAddressesOfASocket) {
  const auto line = find_socket(kTcp, "4711");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->local, "127.0.0.1:5432");
  EXPECT_EQ(line->remote, "10.0.0.9:8080");
  EXPECT_FALSE(find_socket(kTcp, "471"));
}

TEST(TcpTable, FindsTheOtherEndWithinTheHost) {
  const auto line = find_socket_between(kTcp, "10.0.0.9:8080", "127.0.0.1:5432");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->inode, "4712");
  EXPECT_FALSE(find_socket_between(kTcp, "10.0.0.9:8080", "127.0.0.1:1"));
}

TEST(TcpTable, WritesIpv6InBrackets) {
  const auto line = find_socket(
      "   0: 00000000000000000000000001000000:1538 0000000000000000FFFF00000900000A:1F90 01 2A:10 "
      "0:0 0 0 0 17 1\n",
      "17"
  );
  ASSERT_TRUE(line);
  EXPECT_EQ(line->local, "[::1]:5432");
  EXPECT_EQ(line->send_queue, 42U);
  EXPECT_EQ(line->receive_queue, 16U);
  EXPECT_EQ(socket_state("tcp", line->state), "ESTABLISHED");
  EXPECT_EQ(line->remote, "10.0.0.9:8080");
}

TEST(TcpTable, LeavesOutWhatDoesNotParse) {
  for (const char* line :
       {"",
        "   0:",
        "0: 0100007F 0900000A 01 a b c d e 17",
        "0: XX00007F:1538 0900000A:1F90 01 a b "
        "c d e 17",
        "0: 0100007F:15381 0900000A:1F90 01 a b c d e 17"})
    EXPECT_FALSE(find_socket(line, "17")) << line;
}

TEST(TcpPeer, OfAConnectionWithinTheHostIsTheProcess) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bind(2) takes any family so
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  ASSERT_EQ(::bind(listener.get(), any, length), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), any, &length), 0);
  const ChildProcess child([&] {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char byte = 0;
    if (::connect(fd, any, length) != 0 || ::recv(fd, &byte, 1, 0) < 0) ::_exit(2);
  });
  const UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(blocks_in(child.pid(), "recvfrom"));

  Capture capture;
  ASSERT_TRUE(observe_process(ProcFs(), child.pid(), true, capture));
  ASSERT_TRUE(capture.syscall && capture.syscall->fd);
  EXPECT_EQ(capture.syscall->fd->kind, FdKind::socket);
  ASSERT_EQ(capture.syscall->fd->peers.size(), 1U);
  EXPECT_EQ(capture.syscall->fd->peers[0].pid, ::getpid());
  EXPECT_EQ(
      capture.syscall->fd->peers[0].address,
      "127.0.0.1:" + std::to_string(ntohs(address.sin_port))
  );
}

TEST(SocketInode, IsInTheLinkOfASocketOnly) {
  EXPECT_EQ(socket_inode("socket:[4711]"), "4711");
  EXPECT_EQ(socket_inode("pipe:[1]"), "");
  EXPECT_EQ(socket_inode("socket:[0"), "");
}

}  // namespace
}  // namespace pghang
