#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>

#include <cstring>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "collectors/process/block_device.h"
#include "collectors/process/descriptor_detail.h"
#include "collectors/process/fd_describer.h"
#include "collectors/process/file_server.h"
#include "collectors/process/parsers.h"
#include "collectors/process/sock_diag.h"
#include "collectors/process/socket_peer.h"
#include "collectors/process/syscall_decoder.h"
#include "tests/collectors/process/support.h"

/// Texts of kernels and machines that this one is not.
namespace pghang {
namespace {

using std::string_literals::operator""s;  // NOLINT(misc-unused-using-decls): used by literals
using testing::FakeMemory;
using testing::FakeProc;

constexpr std::string_view kCommon = "pos:\t0\nflags:\t02000002\nmnt_id:\t17\nino:\t1038\n";

FdInfo fdinfo(const std::string& more) {
  return parse_fdinfo(std::string(kCommon) + more).value();
}

TEST(Fdinfo, OfAnEventpollListsItsMembers) {
  const FdInfo info = fdinfo(
      "tfd:        3 events:       19 data:                3  pos:0 ino:19568 sdev:9\n"
      "tfd:       12 events:     2019 data:     7ffc00000001\n"
  );
  ASSERT_EQ(info.members.size(), 2U);
  EXPECT_EQ(info.members[0].number, 3);
  EXPECT_EQ(info.members[0].inode, 0x19568U);
  EXPECT_EQ(epoll_events_text(info.members[0].events), "EPOLLIN");
  EXPECT_EQ(info.members[1].inode, 0U);
  EXPECT_EQ(epoll_events_text(info.members[1].events), "EPOLLIN|EPOLLRDHUP");
  EXPECT_EQ(info.inode, 1038U);
}

TEST(Fdinfo, OfAnIoUringTellsHowFullItsRingsAre) {
  const FdInfo info = fdinfo(
      "SqMask:\t0x7\nSqHead:\t4294967295\nSqTail:\t1\nCachedSqHead:\t0\nCqMask:\t0xf\nCqHead:\t3\n"
      "CqTail:\t4\nPollList:\n"
  );
  EXPECT_EQ(
      descriptor_detail(FdKind::io_uring, info),
      "2 submissions not taken by the kernel, 1 completion not read"
  );
}

TEST(Fdinfo, OfATimerAndOthersIsToldInWords) {
  EXPECT_EQ(
      descriptor_detail(
          FdKind::timerfd,
          fdinfo("clockid: 7\nticks: 2\nsettime flags: 00\nit_value: (59, 500000000)\n"
                 "it_interval: (0, 0)\n")
      ),
      "CLOCK_BOOTTIME, fires in 59.50 s, 2 expiries not read"
  );
  EXPECT_EQ(descriptor_detail(FdKind::eventfd, fdinfo("eventfd-count:       ff\n")), "count 255");
  EXPECT_EQ(
      descriptor_detail(FdKind::pidfd, fdinfo("Pid:\t-1\nNSpid:\t-1\n")),
      "its process has ended"
  );
  EXPECT_EQ(descriptor_detail(FdKind::pipe, fdinfo("")), "both ends");
  EXPECT_EQ(descriptor_detail(FdKind::timerfd, fdinfo("")), "");
}

TEST(Fdinfo, ThatDoesNotParseIsMalformed) {
  for (const char* line :
       {"tfd: x events: 19\n",
        "tfd: 3 data: 19\n",
        "tfd: 3 events: 19 data: 3 pos:0 ino:xyz\n",
        "sigmask:\tnope\n",
        "eventfd-count: -1\n",
        "it_value: 59, 5\n",
        "it_value: (59, 1000000000)\n",
        "it_value: (99999999999999999, 0)\n",
        "SqHead:\t-1\n",
        "lock:\t1: FLOCK\n",
        "fuse_connection:\tx\n",
        "Pid:\t\n"})
    EXPECT_FALSE(parse_fdinfo(std::string(kCommon) + line)) << line;
}

TEST(UnixTable, TellsPathAndWhetherItListens) {
  const auto listening = parse_unix_socket(
      "0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/my dir/.s.PGSQL.5432"
  );
  ASSERT_TRUE(listening);
  EXPECT_TRUE(listening->listens);
  EXPECT_EQ(listening->inode, "4711");
  EXPECT_EQ(listening->path, "/run/my dir/.s.PGSQL.5432");
  const auto connected =
      parse_unix_socket("0000000000000000: 00000003 00000000 00000000 0001 03 4712");
  ASSERT_TRUE(connected);
  EXPECT_FALSE(connected->listens);
  EXPECT_EQ(connected->path, "");
  EXPECT_FALSE(parse_unix_socket("Num       RefCount Protocol Flags    Type St Inode Path"));
  EXPECT_FALSE(parse_unix_socket("0: 1 0 0 1 3"));
  EXPECT_FALSE(parse_unix_socket(""));
}

TEST(UnixTable, StandsInForSockDiagInAnotherNetworkNamespace) {
  const FakeProc fake;
  // No socket of this machine has that number.
  fake.link("4711/fd/9", "socket:[4294967295]");
  fake.write("4711/net/unix", "0: 00000003 00000000 00000000 0001 03 4294967295 @bus\n");
  FdTarget fd = describe_fd(fake.proc(), 4711, 9).value();
  const ProcFs proc = fake.proc();
  EXPECT_EQ(Sockets(proc, 4711).describe(fd), "");
  EXPECT_EQ(fd.protocol, "unix");
  EXPECT_EQ(fd.local, "@bus");
  EXPECT_EQ(fd.state, "other end not known: other network namespace");
}

template <typename T>
std::string bytes_of(const T& value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string attribute(unsigned short type, std::string value) {
  rtattr header{static_cast<unsigned short>(sizeof(rtattr) + value.size()), type};
  value.resize(RTA_ALIGN(value.size()));
  return bytes_of(header) + value;
}

std::string unix_message(const std::string& attributes, std::uint16_t type = SOCK_DIAG_BY_FAMILY) {
  unix_diag_msg body{};
  body.udiag_family = AF_UNIX;
  body.udiag_type = SOCK_STREAM;
  body.udiag_state = 1;
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + sizeof body + attributes.size());
  header.nlmsg_type = type;
  return bytes_of(header) + bytes_of(body) + attributes;
}

TEST(UnixDiag, TellsTheOtherEndAndTheQueues) {
  const auto diag = parse_unix_diag(unix_message(
      attribute(UNIX_DIAG_NAME, "\0bus"s) + attribute(UNIX_DIAG_PEER, bytes_of(4712U)) +
      attribute(UNIX_DIAG_RQLEN, bytes_of(unix_diag_rqlen{7, 8}))
  ));
  ASSERT_TRUE(diag);
  EXPECT_EQ(diag->name, "@bus");
  EXPECT_EQ(diag->peer_inode, 4712U);
  EXPECT_TRUE(diag->has_peer);
  EXPECT_EQ(diag->queues, (SocketQueues{7, 8}));
}

TEST(UnixDiag, ThatIsCutOrForeignIsMalformed) {
  const std::string whole = unix_message(attribute(UNIX_DIAG_PEER, bytes_of(4712U)));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(parse_unix_diag(whole.substr(0, size)).error().code, Errc::malformed) << size;
  EXPECT_EQ(parse_unix_diag(unix_message("", 99)).error().code, Errc::malformed);
  EXPECT_FALSE(parse_unix_diag(unix_message(attribute(UNIX_DIAG_PEER, "x"))));
  rtattr endless{0, UNIX_DIAG_NAME};
  EXPECT_FALSE(parse_unix_diag(unix_message(bytes_of(endless))));
}

TEST(UnixDiag, OfAnImpossibleErrorIsMalformed) {
  nlmsgerr answer{};
  answer.error = std::numeric_limits<int>::min();
  nlmsghdr header{};
  header.nlmsg_len = sizeof header + sizeof answer;
  header.nlmsg_type = NLMSG_ERROR;
  EXPECT_EQ(parse_unix_diag(bytes_of(header) + bytes_of(answer)).error().code, Errc::malformed);
}

TEST(UnixDiag, OfASocketThatIsNotThereIsNotFound) {
  const auto diag = SockDiag::open();
  if (!diag) GTEST_SKIP() << "this kernel has no sock_diag: " << diag.error().context;
  EXPECT_EQ(diag->unix_socket(0xffffffffU).error().code, Errc::not_found);
}

Mount mount_of(std::string_view line) {
  return parse_mountinfo(line).at(0);
}

TEST(FileServer, OfANetworkMountIsItsHostAndAddress) {
  EXPECT_EQ(
      network_server(mount_of("90 27 0:45 / /mnt rw - nfs4 filer:/export rw,vers=4.2,addr=10.0.0.9,"
                              "clientaddr=10.0.0.1\n")),
      "filer (10.0.0.9)"
  );
  EXPECT_EQ(
      network_server(mount_of("90 27 0:45 / /mnt rw - nfs [fe80::1]:/export rw,addr=fe80::1\n")),
      "fe80::1"
  );
  EXPECT_EQ(
      network_server(mount_of("90 27 0:45 / /mnt rw - cifs //nas/share rw,addr=10.0.0.8\n")),
      "nas (10.0.0.8)"
  );
  EXPECT_EQ(network_server(mount_of("90 27 254:0 / /mnt rw - ext4 /dev/vda rw,addr=1\n")), "");
  EXPECT_EQ(fuse_connection(mount_of("90 27 0:45 / /mnt rw - fuse.sshfs h: rw\n")), 45U);
  EXPECT_TRUE(is_fuse("fuseblk"));
  EXPECT_FALSE(is_fuse("fusectl"));
}

TEST(FileServer, OfAFileOnNfsIsNamed) {
  const FakeProc fake;
  fake.write("4711/mountinfo", "90 27 0:45 / /mnt rw - nfs4 filer:/export rw,addr=10.0.0.9\n");
  fake.link("4711/fd/5", "/mnt/base/5/1259");
  fake.write("4711/fdinfo/5", "pos:\t0\nflags:\t02\nmnt_id:\t90\n");
  const FdTarget fd = describe_fd(fake.proc(), 4711, 5).value();
  ASSERT_EQ(fd.servers.size(), 1U);
  EXPECT_EQ(fd.servers[0].address, "filer (10.0.0.9)");
  EXPECT_EQ(fd.servers[0].pid, 0);
  EXPECT_TRUE(fd.servers_certain);
  EXPECT_EQ(fd.block_device, "");
}

TEST(FileServer, BeforeLinux616IsALikelyOne) {
  FuseDaemons daemons("fuse.sshfs", 45);
  const PeerQuery query = daemons.query();
  EXPECT_TRUE(query.accepts(7, fdinfo("")));
  EXPECT_TRUE(query.accepts(8, fdinfo("")));
  FdTarget fd;
  daemons.take(
      {{7, "sshfs", ProcessState::sleeping, ""}, {8, "x", ProcessState::sleeping, ""}},
      fd
  );
  ASSERT_EQ(fd.servers.size(), 1U);
  EXPECT_EQ(fd.servers[0].pid, 7);
  EXPECT_FALSE(fd.servers_certain);
}

TEST(FileServer, WhoseConnectionIsToldIsCertain) {
  FuseDaemons daemons("fuse.sshfs", 45);
  const PeerQuery query = daemons.query();
  EXPECT_TRUE(query.accepts(7, fdinfo("fuse_connection:\t45\n")));
  EXPECT_FALSE(query.accepts(8, fdinfo("fuse_connection:\t46\n")));
  EXPECT_TRUE(query.accepts(9, fdinfo("")));
  FdTarget fd;
  daemons.take(
      {{7, "python3", ProcessState::stopped, ""}, {9, "sshfs", ProcessState::sleeping, ""}},
      fd
  );
  ASSERT_EQ(fd.servers.size(), 1U);
  EXPECT_EQ(fd.servers[0].pid, 7);
  EXPECT_TRUE(fd.servers_certain);
  EXPECT_EQ(waiting_requests("2\n"), "2 requests wait for an answer");
  EXPECT_EQ(waiting_requests("0\n"), "");
  EXPECT_EQ(waiting_requests("x"), "");
}

TEST(BlockDevice, OfALoopOrMappedDeviceTellsWhatItLiesOn) {
  const FakeProc fake;
  fake.link("sys/dev/block/7:3", "../../devices/virtual/block/loop3");
  fake.write("sys/devices/virtual/block/loop3/loop/backing_file", "/srv/my image\n");
  fake.link("sys/dev/block/253:0", "../../devices/virtual/block/dm-0");
  fake.write("sys/devices/virtual/block/dm-0/slaves/vda2", "");
  fake.write("sys/devices/virtual/block/dm-0/slaves/sdb", "");
  fake.link("sys/dev/block/254:1", "../../devices/pci0000:00/virtio1/block/vda/vda1");
  fake.make_directory("sys/devices/pci0000:00/virtio1/block/vda/vda1");
  EXPECT_EQ(block_device(fake.proc(), 7, 3)->name, "/dev/loop3");
  EXPECT_EQ(block_device(fake.proc(), 7, 3)->backing, "/srv/my image");
  EXPECT_EQ(block_device(fake.proc(), 253, 0)->name, "/dev/dm-0");
  EXPECT_EQ(block_device(fake.proc(), 253, 0)->backing, "/dev/sdb, /dev/vda2");
  EXPECT_EQ(block_device(fake.proc(), 254, 1)->name, "/dev/vda1");
  EXPECT_EQ(block_device(fake.proc(), 254, 1)->backing, "");
  EXPECT_FALSE(block_device(fake.proc(), 0, 45));
  EXPECT_FALSE(block_device(fake.proc(), 8, 1));
}

/// Lines as an aarch64 kernel writes them: the generic numbers.
TEST(Aarch64, CallsAreDecodedByTheirOwnNumbers) {
  FakeMemory memory;
  memory.put(0xffffc0001000, "/srv/fifo\0"s);
  const auto decoded = [&memory](const char* line) {
    return decode_syscall(parse_syscall(line).value(), memory, SyscallTable::generic).text;
  };
  EXPECT_EQ(
      decoded("56 0xffffffffffffff9c 0xffffc0001000 0x0 0x0 0x0 0x0 0xffffc0002000 0xffff9a3c1f28"),
      R"(openat(AT_FDCWD, "/srv/fifo", O_RDONLY))"
  );
  EXPECT_EQ(
      decoded("22 0x4 0xaaab0c0 0x1 0xffffffffffffffff 0x0 0x8 0xffffc0002000 0xffff9a3c1f28"),
      "epoll_pwait(4, 0xaaab0c0, 1, -1, NULL, 8)"
  );
  EXPECT_EQ(
      decoded("63 0x5 0xaaab0c0 0x2000 0x0 0x0 0x0 0xffffc0002000 0xffff9a3c1f28"),
      "read(5, 0xaaab0c0, 8192)"
  );
  EXPECT_EQ(decoded("83 0x9 0x0 0x0 0x0 0x0 0x0 0xffffc0002000 0xffff9a3c1f28"), "fdatasync(9)");
  EXPECT_EQ(
      decoded("32 0x9 0x2 0x0 0x0 0x0 0x0 0xffffc0002000 0xffff9a3c1f28"),
      "flock(9, LOCK_EX)"
  );
}

TEST(SyscallTables, BothKnowEachBlockingCallOfABackend) {
  for (const char* name : {"openat",
                           "read",
                           "write",
                           "pread64",
                           "pwrite64",
                           "preadv",
                           "pwritev",
                           "fsync",
                           "fdatasync",
                           "sync_file_range",
                           "fallocate",
                           "epoll_pwait",
                           "ppoll",
                           "pselect6",
                           "futex",
                           "semop",
                           "semtimedop",
                           "connect",
                           "accept",
                           "recvfrom",
                           "sendto",
                           "recvmsg",
                           "sendmsg",
                           "wait4",
                           "waitid",
                           "nanosleep",
                           "clock_nanosleep",
                           "flock",
                           "fcntl",
                           "io_uring_enter",
                           "ioctl"}) {
    for (const SyscallTable table : {SyscallTable::x86_64, SyscallTable::generic}) {
      int found = 0;
      for (long number = 0; number < 512; ++number)
        found += syscall_name(number, table) == name ? 1 : 0;
      EXPECT_EQ(found, 1) << name;
    }
  }
  EXPECT_EQ(syscall_name(469, SyscallTable::x86_64), "file_setattr");
  EXPECT_EQ(syscall_name(469, SyscallTable::generic), "file_setattr");
}

}  // namespace
}  // namespace pghang
