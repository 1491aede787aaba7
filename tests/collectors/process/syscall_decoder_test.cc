#include "collectors/process/syscall_decoder.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstring>
#include <ctime>
#include <string>

#include <gtest/gtest.h>

#include "tests/collectors/process/support.h"

/// Expected texts are strace 6.1's own for the same calls, buffers excepted.
namespace pghang {
namespace {

using std::string_literals::operator""s;  // NOLINT(misc-unused-using-decls): used by literals

constexpr std::uint64_t kAt = 0x10000;  ///< where a test puts its structure
constexpr auto kCwd = static_cast<std::uint64_t>(AT_FDCWD);

class SyscallDecoder : public ::testing::Test {
 protected:
  [[nodiscard]] static SyscallLine
  call(long number, std::initializer_list<std::uint64_t> arguments) {
    SyscallLine line;
    line.number = number;
    std::copy(arguments.begin(), arguments.end(), line.args.begin());
    return line;
  }

  [[nodiscard]] std::string text(long number, std::initializer_list<std::uint64_t> arguments)
      const {
    return decode_syscall(call(number, arguments), memory_).text;
  }

  testing::FakeMemory memory_;
};

TEST_F(SyscallDecoder, AnOpenShowsPathAndFlags) {
  memory_.put(kAt, "/srv/fifo\0"s);
  const Syscall decoded = decode_syscall(call(SYS_openat, {kCwd, kAt, O_RDONLY}), memory_);
  EXPECT_EQ(decoded.number, SYS_openat);
  EXPECT_EQ(decoded.name, "openat");
  EXPECT_EQ(decoded.text, R"(openat(AT_FDCWD, "/srv/fifo", O_RDONLY))");
  EXPECT_EQ(decoded.args, (std::vector<std::string>{"AT_FDCWD", R"("/srv/fifo")", "O_RDONLY"}));
  EXPECT_EQ(decoded.path, "/srv/fifo");
  EXPECT_FALSE(decoded.fd);
}

TEST_F(SyscallDecoder, AnOpenThatCreatesShowsTheMode) {
  memory_.put(kAt, "base/5/1\0"s);
  EXPECT_EQ(
      text(SYS_openat, {7, kAt, O_RDWR | O_CREAT, 0600}),
      R"(openat(7, "base/5/1", O_RDWR|O_CREAT, 0600))"
  );
}

TEST_F(SyscallDecoder, APathThatCannotBeReadIsAnAddress) {
  const Syscall decoded = decode_syscall(call(SYS_openat, {kCwd, kAt, 0}), memory_);
  EXPECT_EQ(decoded.text, "openat(AT_FDCWD, 0x10000, O_RDONLY)");
  EXPECT_EQ(decoded.path, "");
}

TEST_F(SyscallDecoder, BuffersShowAddressAndLengthButNeverContent) {
  memory_.put(kAt, "secret\0"s);
  EXPECT_EQ(text(SYS_read, {5, kAt, 8192}), "read(5, 0x10000, 8192)");
  EXPECT_EQ(text(SYS_write, {2, kAt, 6}), "write(2, 0x10000, 6)");
  EXPECT_EQ(text(SYS_pread64, {5, kAt, 8192, 16384}), "pread64(5, 0x10000, 8192, 16384)");
  EXPECT_EQ(text(SYS_pwritev, {5, kAt, 2, 16384}), "pwritev(5, 0x10000, 2, 16384)");
  EXPECT_EQ(text(SYS_preadv2, {5, kAt, 1, 5, 0, 1}), "preadv2(5, 0x10000, 1, 5, 0x1)");
  EXPECT_EQ(
      text(SYS_sendto, {9, kAt, 6, MSG_NOSIGNAL, 0, 0}),
      "sendto(9, 0x10000, 6, MSG_NOSIGNAL, NULL, 0)"
  );
  EXPECT_EQ(
      text(SYS_recvfrom, {9, kAt, 8192, MSG_PEEK | MSG_DONTWAIT, 0, 0}),
      "recvfrom(9, 0x10000, 8192, MSG_PEEK|MSG_DONTWAIT, NULL, NULL)"
  );
  EXPECT_EQ(text(SYS_recvmsg, {9, kAt, 0}), "recvmsg(9, 0x10000, 0)");
}

TEST_F(SyscallDecoder, FileCallsShowTheirFlags) {
  EXPECT_EQ(text(SYS_fdatasync, {4}), "fdatasync(4)");
  EXPECT_EQ(
      text(SYS_fallocate, {3, 3, 0, 4096}),
      "fallocate(3, FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE, 0, 4096)"
  );
  EXPECT_EQ(
      text(SYS_sync_file_range, {3, 0, 10, 3}),
      "sync_file_range(3, 0, 10, SYNC_FILE_RANGE_WAIT_BEFORE|SYNC_FILE_RANGE_WRITE)"
  );
  EXPECT_EQ(text(SYS_flock, {3, 6}), "flock(3, LOCK_EX|LOCK_NB)");
  EXPECT_EQ(
      text(SYS_io_uring_enter, {3, 0, 1, 9, 0, 8}),
      "io_uring_enter(3, 0, 1, IORING_ENTER_GETEVENTS|IORING_ENTER_EXT_ARG, NULL, 8)"
  );
}

TEST_F(SyscallDecoder, AWaitOnEpollShowsItsTimeout) {
  EXPECT_EQ(
      text(SYS_epoll_pwait, {8, kAt, 1, 0xffffffff, 0, 8}),
      "epoll_pwait(8, 0x10000, 1, -1, NULL, 8)"
  );
  memory_.put_value(kAt, timespec{1, 5});
  EXPECT_EQ(
      text(SYS_epoll_pwait2, {8, 0x99, 1, kAt, 0, 0}),
      "epoll_pwait2(8, 0x99, 1, {tv_sec=1, tv_nsec=5}, NULL, 0)"
  );
}

TEST_F(SyscallDecoder, APollListsItsDescriptors) {
  const std::array<pollfd, 3> list{{{0, POLLIN | POLLPRI, 0}, {-1, 0, 0}, {1, 0, 0}}};
  memory_.put_value(kAt, list);
  EXPECT_EQ(
      text(SYS_ppoll, {kAt, 3, 0, 0, 8}),
      "ppoll([{fd=0, events=POLLIN|POLLPRI}, {fd=-1}, {fd=1, events=0}], 3, NULL, NULL, 8)"
  );
  EXPECT_EQ(text(SYS_ppoll, {0x99, 3, 0, 0, 8}), "ppoll(0x99, 3, NULL, NULL, 8)");
}

TEST_F(SyscallDecoder, ALongListIsCut) {
  memory_.put(kAt, std::string(40 * sizeof(pollfd), '\0'));
  const std::string whole = text(SYS_ppoll, {kAt, 40, 0, 0, 8});
  EXPECT_NE(whole.find("{fd=0, events=0}, ...], 40, "), std::string::npos) << whole;
}

TEST_F(SyscallDecoder, AnAbsurdListLengthReadsNoMoreThanIsShown) {
  EXPECT_EQ(
      text(SYS_ppoll, {kAt, 0xffffffff, 0, 0, 8}),
      "ppoll(0x10000, 4294967295, NULL, NULL, 8)"
  );
}

TEST_F(SyscallDecoder, ASelectListsItsSets) {
  memory_.put_value(kAt, std::uint64_t{0b10011});
  memory_.put_value(0x20000, timespec{0, 7000});
  EXPECT_EQ(
      text(SYS_pselect6, {5, kAt, 0, 0, 0x20000, 0}),
      "pselect6(5, [0 1 4], NULL, NULL, {tv_sec=0, tv_nsec=7000}, NULL)"
  );
}

TEST_F(SyscallDecoder, AFutexShowsItsOperation) {
  memory_.put_value(0x20000, timespec{0, 0});
  EXPECT_EQ(
      text(SYS_futex, {kAt, FUTEX_WAIT_PRIVATE, 2, 0}),
      "futex(0x10000, FUTEX_WAIT_PRIVATE, 2, NULL)"
  );
  EXPECT_EQ(
      text(SYS_futex, {kAt, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 2, 0x20000, 0, 0xffffffff}),
      "futex(0x10000, FUTEX_WAIT_BITSET|FUTEX_CLOCK_REALTIME, 2, {tv_sec=0, tv_nsec=0}, "
      "FUTEX_BITSET_MATCH_ANY)"
  );
  EXPECT_EQ(
      text(SYS_futex, {kAt, FUTEX_WAIT_BITSET_PRIVATE, 0, 0, 0, 3}),
      "futex(0x10000, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, 0x3)"
  );
  EXPECT_EQ(
      text(SYS_futex, {kAt, FUTEX_LOCK_PI_PRIVATE, 0, 0}),
      "futex(0x10000, FUTEX_LOCK_PI_PRIVATE, NULL)"
  );
}

TEST_F(SyscallDecoder, ASemopShowsWhichSemaphore) {
  const std::array<sembuf, 2> operations{{{1, -1, SEM_UNDO}, {2, 0, IPC_NOWAIT}}};
  memory_.put_value(kAt, operations);
  memory_.put_value(0x20000, timespec{1, 5});
  EXPECT_EQ(
      text(SYS_semop, {32769, kAt, 1}),
      "semop(32769, [{sem_num=1, sem_op=-1, sem_flg=SEM_UNDO}], 1)"
  );
  EXPECT_EQ(
      text(SYS_semtimedop, {0, kAt, 2, 0x20000}),
      "semtimedop(0, [{sem_num=1, sem_op=-1, sem_flg=SEM_UNDO}, "
      "{sem_num=2, sem_op=0, sem_flg=IPC_NOWAIT}], 2, {tv_sec=1, tv_nsec=5})"
  );
}

TEST_F(SyscallDecoder, AConnectShowsTheAddress) {
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(5432);
  four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  memory_.put_value(kAt, four);
  EXPECT_EQ(
      text(SYS_connect, {6, kAt, sizeof four}),
      R"(connect(6, {sa_family=AF_INET, sin_port=htons(5432), sin_addr=inet_addr("127.0.0.1")}, 16))"
  );

  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(1);
  six.sin6_addr = in6addr_loopback;
  six.sin6_scope_id = 3;
  memory_.put_value(kAt, six);
  EXPECT_EQ(
      text(SYS_connect, {6, kAt, sizeof six}),
      R"(connect(6, {sa_family=AF_INET6, sin6_port=htons(1), sin6_flowinfo=htonl(0), )"
      R"(inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=3}, 28))"
  );
}

TEST_F(SyscallDecoder, AConnectShowsTheSocketsPath) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "/run/.s.PGSQL.5432");  // NOLINT(*-strcpy): fits
  memory_.put_value(kAt, address);
  EXPECT_EQ(
      text(SYS_connect, {6, kAt, sizeof address}),
      R"(connect(6, {sa_family=AF_UNIX, sun_path="/run/.s.PGSQL.5432"}, 110))"
  );
  EXPECT_EQ(text(SYS_connect, {6, kAt, 2}), "connect(6, {sa_family=AF_UNIX}, 2)");
  address.sun_path[0] = '\0';
  memory_.put_value(kAt, address);
  EXPECT_EQ(
      text(SYS_connect, {6, kAt, 6}),
      R"(connect(6, {sa_family=AF_UNIX, sun_path=@"run"}, 6))"
  );
}

TEST_F(SyscallDecoder, AnAddressThatIsCutOrForeignIsNotGuessed) {
  memory_.put_value(kAt, sa_family_t{AF_INET});
  EXPECT_EQ(text(SYS_connect, {6, kAt, 2}), "connect(6, {sa_family=2}, 2)");
  EXPECT_EQ(text(SYS_connect, {6, kAt, 16}), "connect(6, 0x10000, 16)");
  EXPECT_EQ(text(SYS_connect, {6, kAt, 1}), "connect(6, 0x10000, 1)");
  EXPECT_EQ(text(SYS_connect, {6, 0, 16}), "connect(6, NULL, 16)");
}

TEST_F(SyscallDecoder, AWaitForAChildShowsItsOptions) {
  EXPECT_EQ(
      text(SYS_wait4, {0xffffffff, 0, WNOHANG | WUNTRACED, 0}),
      "wait4(-1, NULL, WNOHANG|WSTOPPED, NULL)"
  );
  EXPECT_EQ(
      text(SYS_waitid, {P_PID, 5, kAt, WEXITED, 0}),
      "waitid(P_PID, 5, 0x10000, WEXITED, NULL)"
  );
}

TEST_F(SyscallDecoder, ASleepShowsItsLength) {
  memory_.put_value(kAt, timespec{3600, 0});
  EXPECT_EQ(text(SYS_nanosleep, {kAt, 0}), "nanosleep({tv_sec=3600, tv_nsec=0}, NULL)");
  EXPECT_EQ(
      text(SYS_clock_nanosleep, {CLOCK_MONOTONIC, TIMER_ABSTIME, kAt, 0x99}),
      "clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, {tv_sec=3600, tv_nsec=0}, 0x99)"
  );
}

TEST_F(SyscallDecoder, AFileLockShowsItsRange) {
  struct flock lock {};

  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_len = 10;
  memory_.put_value(kAt, lock);
  EXPECT_EQ(
      text(SYS_fcntl, {3, F_SETLKW, kAt}),
      "fcntl(3, F_SETLKW, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, l_len=10})"
  );
  EXPECT_EQ(text(SYS_fcntl, {3, F_GETFL, kAt}), "fcntl(3, F_GETFL)");
  EXPECT_EQ(
      text(SYS_fcntl, {3, F_SETFL, O_NONBLOCK | O_RDWR}),
      "fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK)"
  );
}

TEST_F(SyscallDecoder, AResumedCallSaysSo) {
  EXPECT_EQ(
      text(SYS_restart_syscall, {}),
      "restart_syscall(<... resuming interrupted system call ...>)"
  );
}

TEST_F(SyscallDecoder, ACallWithoutATableEntryShowsNoArguments) {
  const Syscall decoded = decode_syscall(call(SYS_bpf, {1, 2, 3}), memory_);
  EXPECT_EQ(decoded.text, "bpf(...)");
  EXPECT_TRUE(decoded.args.empty());
}

TEST_F(SyscallDecoder, AnUnknownNumberIsItsName) {
  EXPECT_EQ(decode_syscall(call(9999, {}), memory_).name, "syscall_9999");
  EXPECT_EQ(text(9999, {}), "syscall_9999(...)");
}

TEST_F(SyscallDecoder, TheDescriptorIsTheCallsOwn) {
  EXPECT_EQ(descriptor_argument(call(SYS_read, {5})), 5);
  EXPECT_EQ(descriptor_argument(call(SYS_epoll_pwait, {8})), 8);
  EXPECT_EQ(descriptor_argument(call(SYS_openat, {7, kAt})), -1);
  EXPECT_EQ(descriptor_argument(call(SYS_mmap, {1, 2, 3, 4, 5})), -1);
  EXPECT_EQ(descriptor_argument(call(9999, {5})), -1);
}

TEST_F(SyscallDecoder, APollOfOneDescriptorWaitsForIt) {
  memory_.put_value(kAt, pollfd{7, POLLIN, 0});
  EXPECT_EQ(waited_descriptor(call(SYS_ppoll, {kAt, 1}), memory_), 7);
  EXPECT_EQ(waited_descriptor(call(SYS_ppoll, {kAt, 2}), memory_), -1);
  EXPECT_EQ(waited_descriptor(call(SYS_ppoll, {0x99, 1}), memory_), -1);
  EXPECT_EQ(waited_descriptor(call(SYS_read, {5}), memory_), 5);
}

TEST_F(SyscallDecoder, ASelectOfOneDescriptorWaitsForIt) {
  memory_.put_value(kAt, std::uint64_t{0b10000});
  memory_.put_value(0x20000, std::uint64_t{0b10010});
  EXPECT_EQ(waited_descriptor(call(SYS_pselect6, {5, kAt, kAt, 0}), memory_), 4);
  EXPECT_EQ(waited_descriptor(call(SYS_pselect6, {5, kAt, 0x20000, 0}), memory_), -1);
  EXPECT_EQ(waited_descriptor(call(SYS_pselect6, {5, 0, 0, 0}), memory_), -1);
}

TEST_F(SyscallDecoder, APathStartsAtItsDirectory) {
  EXPECT_EQ(path_base(call(SYS_openat, {7, kAt})), 7);
  EXPECT_EQ(path_base(call(SYS_openat, {kCwd, kAt})), AT_FDCWD);
  EXPECT_EQ(path_base(call(SYS_truncate, {kAt, 0})), AT_FDCWD);
}

}  // namespace
}  // namespace pghang
