#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#include <gtest/gtest.h>

#include "collectors/process/lock_holders.h"
#include "collectors/process/observer.h"
#include "config/unique_fd.h"
#include "tests/collectors/process/support.h"

/// Who holds the lock that flock() or fcntl() waits for.
namespace pghang {
namespace {

using testing::blocks_in;
using testing::ChildProcess;
using testing::TempDir;

/// As Linux 6.18 wrote it, but for the numbers.
constexpr std::string_view kLocks =
    "1: OFDLCK ADVISORY  WRITE -1 fe:00:1095 100 EOF\n"
    "1: -> OFDLCK ADVISORY  WRITE -1 fe:00:1095 100 EOF\n"
    "1:  -> OFDLCK ADVISORY  WRITE -1 fe:00:1095 100 EOF\n"
    "2: POSIX  ADVISORY  WRITE 27369 fe:00:1095 5 14\n"
    "2: -> POSIX  ADVISORY  READ  27402 fe:00:1095 0 9\n"
    "3: FLOCK  ADVISORY  READ  27369 fe:00:1095 0 EOF\n"
    "4: FLOCK  ADVISORY  READ  27370 fe:00:1095 0 EOF\n"
    "4: -> FLOCK  ADVISORY  WRITE 27410 fe:00:1095 0 EOF\n"
    "4:  -> FLOCK  ADVISORY  READ  27411 fe:00:1095 0 EOF\n"
    "5: LEASE  ACTIVE    READ  700 fe:00:7 0 EOF\n"
    "6: FLOCK  ADVISORY  WRITE 701 00:1b:1095 0 EOF\n"
    "7: POSIX  ADVISORY  WRITE 702 <none>:0 0 EOF\n";

constexpr LockedFile kFile{0xfe, 0, 1095};

std::vector<pid_t> in_the_way(pid_t waiter, std::optional<LockedFile> file = kFile) {
  std::vector<pid_t> pids;
  for (const FileLock& lock : locks_in_the_way(parse_locks(kLocks).value(), waiter, file))
    pids.push_back(lock.pid);
  return pids;
}

TEST(ProcLocks, EachLineIsALockOrAWaitBelowIt) {
  const auto locks = parse_locks(kLocks).value();
  ASSERT_EQ(locks.size(), 12U);
  EXPECT_EQ(locks[2].depth, 2U);
  EXPECT_EQ(locks[3].type, "POSIX");
  EXPECT_TRUE(locks[3].write);
  EXPECT_EQ(locks[3].pid, 27369);
  EXPECT_EQ(locks[3].device_major, 0xfeU);
  EXPECT_EQ(locks[3].inode, 1095U);
  EXPECT_EQ(locks[3].start, 5U);
  EXPECT_EQ(locks[3].end, 14U);
  EXPECT_FALSE(locks[5].end);
}

TEST(ProcLocks, WhatDoesNotParseIsMalformed) {
  for (const char* text :
       {"x\n",
        "1 FLOCK  ADVISORY  WRITE 7 fe:00:1 0 EOF\n",
        "1: FLOCK  ADVISORY  WRITE seven fe:00:1 0 EOF\n",
        "1: FLOCK  ADVISORY  WROTE 7 fe:00:1 0 EOF\n",
        "1: FLOCK  ADVISORY  WRITE 7 fe:00 0 EOF\n",
        "1: FLOCK  ADVISORY  WRITE 7 fe:zz:1 0 EOF\n",
        "1: FLOCK  ADVISORY  WRITE 7 fe:00:1 0\n",
        "1: FLOCK  ADVISORY  WRITE 7 fe:00:1 0 99999999999999999999\n"})
    EXPECT_EQ(parse_locks(text).error().code, Errc::malformed) << text;
  EXPECT_TRUE(parse_locks("").value().empty());
}

TEST(ProcLocks, EveryLockThatConflictsIsInTheWay) {
  EXPECT_EQ(in_the_way(27410), (std::vector<pid_t>{27369, 27370}));
  EXPECT_EQ(in_the_way(27402), (std::vector<pid_t>{27369}));
  EXPECT_EQ(in_the_way(27402, std::nullopt), (std::vector<pid_t>{27369}));
}

TEST(ProcLocks, AWaitBehindAnotherWaitLeadsToWhatThatWaitsFor) {
  EXPECT_EQ(in_the_way(27411), (std::vector<pid_t>{27370}));
}

TEST(ProcLocks, AWaitWithoutAPidIsFoundByItsFile) {
  const auto locks = locks_in_the_way(parse_locks(kLocks).value(), 1, kFile);
  ASSERT_FALSE(locks.empty());
  EXPECT_EQ(lock_text(locks.front()), "OFDLCK WRITE 100-EOF");
  EXPECT_TRUE(in_the_way(1, LockedFile{0xfe, 0, 1096}).empty());
  EXPECT_TRUE(in_the_way(1, std::nullopt).empty());
}

TEST(ProcLocks, NobodyIsInItsOwnWay) {
  constexpr std::string_view upgrade =
      "1: POSIX  ADVISORY  READ  800 fe:00:1095 0 EOF\n"
      "2: POSIX  ADVISORY  READ  801 fe:00:1095 0 EOF\n"
      "2: -> POSIX  ADVISORY  WRITE 800 fe:00:1095 0 EOF\n";
  const auto locks = locks_in_the_way(parse_locks(upgrade).value(), 800, kFile);
  ASSERT_EQ(locks.size(), 1U);
  EXPECT_EQ(locks[0].pid, 801);
}

/// Takes a lock in one process and waits for it in another.
class FileLocks : public ::testing::Test {
 protected:
  template <typename Lock>
  void expect_holder(const std::string& call, const std::string& lock_name, Lock lock) {
    std::array<int, 2> ready{};
    ASSERT_EQ(::pipe2(ready.data(), O_CLOEXEC), 0);
    const ChildProcess holder([&] {
      lock(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
      if (::write(ready[1], "x", 1) != 1) ::_exit(2);
      ::pause();
    });
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    const ChildProcess waiter([&] { lock(::open(path_.c_str(), O_RDWR | O_CLOEXEC)); });
    ASSERT_TRUE(blocks_in(waiter.pid(), call));
    Capture capture;
    ASSERT_TRUE(observe_process(ProcFs(), waiter.pid(), true, capture));
    ::close(ready[0]);
    ::close(ready[1]);
    ASSERT_TRUE(capture.syscall && capture.syscall->fd);
    EXPECT_EQ(capture.syscall->fd->target, path_);
    EXPECT_EQ(capture.syscall->fd->lock, lock_name) << capture.syscall->text;
    ASSERT_EQ(capture.syscall->fd->peers.size(), 1U);
    EXPECT_EQ(capture.syscall->fd->peers[0].pid, holder.pid());
    EXPECT_EQ(capture.syscall->fd->peers[0].state, ProcessState::sleeping);
  }

  TempDir dir_;
  std::string path_ = dir_.path() / "lock";
};

TEST_F(FileLocks, OfFlockNameTheirHolder) {
  expect_holder("flock", "FLOCK WRITE", [](int fd) { ::flock(fd, LOCK_EX); });
}

TEST_F(FileLocks, OfFcntlNameTheirHolder) {
  expect_holder("fcntl", "POSIX WRITE 10-19", [](int fd) {
    struct flock range {};

    range.l_type = F_WRLCK;
    range.l_start = 10;
    range.l_len = 10;
    ::fcntl(fd, F_SETLKW, &range);
  });
}

TEST_F(FileLocks, OfAnOpenFileDescriptionNameWhoHasIt) {
  expect_holder("fcntl", "OFDLCK WRITE 0-EOF", [](int fd) {
    struct flock range {};

    range.l_type = F_WRLCK;
    ::fcntl(fd, F_OFD_SETLKW, &range);
  });
}

TEST_F(FileLocks, OfAProcessThatHasEndedNameTheChildThatKeepsIt) {
  const UniqueFd gate(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe2(ready.data(), O_CLOEXEC), 0);
  // The middle one takes the lock and ends; the descriptor is its child's then.
  ChildProcess middle([&] {
    const int fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    ::flock(fd, LOCK_EX);
    const pid_t keeper = ::fork();
    if (keeper == 0) {
      ::close(ready[0]);
      ::alarm(60);
      ::pause();
      ::_exit(0);
    }
    if (::write(ready[1], &keeper, sizeof keeper) != sizeof keeper) ::_exit(2);
  });
  pid_t keeper = 0;
  ASSERT_EQ(::read(ready[0], &keeper, sizeof keeper), static_cast<ssize_t>(sizeof keeper));
  middle.end();
  {
    const ChildProcess waiter([&] { ::flock(::open(path_.c_str(), O_RDWR), LOCK_EX); });
    EXPECT_TRUE(blocks_in(waiter.pid(), "flock"));
    Capture capture;
    EXPECT_TRUE(observe_process(ProcFs(), waiter.pid(), true, capture));
    ASSERT_TRUE(capture.syscall && capture.syscall->fd);
    ASSERT_EQ(capture.syscall->fd->peers.size(), 1U);
    EXPECT_EQ(capture.syscall->fd->peers[0].pid, keeper);
  }
  ::kill(keeper, SIGKILL);
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace pghang
