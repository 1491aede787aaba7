#include "collectors/process/fd_describer.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include <gtest/gtest.h>

#include "collectors/process/peer_scan.h"
#include "config/unique_fd.h"
#include "tests/collectors/process/support.h"

namespace pghang {
namespace {

using testing::ChildProcess;
using testing::FakeProc;
using testing::TempDir;

constexpr const char* kMountinfo =
    "20 1 254:0 / / rw - ext4 /dev/vda rw\n"
    "21 20 0:5 / /dev rw - devtmpfs udev rw\n"
    "22 20 254:1 / /data rw - xfs /dev/vdb rw\n"
    "23 20 0:9 / /data/nfs rw - nfs4 filer:/export rw\n"
    "24 20 254:2 / /data rw - btrfs /dev/vdc rw\n";

class FdDescriber : public ::testing::Test {
 protected:
  void SetUp() override { fake_.write("4711/mountinfo", kMountinfo); }

  void open_fd(int number, const std::string& link, const std::string& flags = "02", int mount = 20)
      const {
    const std::string name = std::to_string(number);
    fake_.link("4711/fd/" + name, link);
    fake_.write(
        "4711/fdinfo/" + name,
        "pos:\t0\nflags:\t" + flags + "\nmnt_id:\t" + std::to_string(mount) + "\nino:\t1\n"
    );
  }

  [[nodiscard]] FdTarget describe(int number) const {
    return describe_fd(fake_.proc(), 4711, number).value();
  }

  [[nodiscard]] FdTarget describe(const std::string& path, int base = AT_FDCWD) const {
    return describe_path(fake_.proc(), 4711, base, path).value();
  }

  FakeProc fake_;
};

TEST_F(FdDescriber, AFileHasAMount) {
  open_fd(5, "/data/nfs/base/5/1259", "02", 23);
  const FdTarget fd = describe(5);
  EXPECT_EQ(fd.number, 5);
  EXPECT_EQ(fd.kind, FdKind::file);
  EXPECT_EQ(fd.target, "/data/nfs/base/5/1259");
  EXPECT_EQ(fd.mount, "/data/nfs");
  EXPECT_EQ(fd.fs_type, "nfs4");
  EXPECT_EQ(fd.device, "filer:/export");
  EXPECT_FALSE(fd.deleted);
}

TEST_F(FdDescriber, ADeletedFileKeepsItsName) {
  open_fd(5, "/data/base/pgsql_tmp/x (deleted)");
  const FdTarget fd = describe(5);
  EXPECT_TRUE(fd.deleted);
  EXPECT_EQ(fd.target, "/data/base/pgsql_tmp/x");
}

TEST_F(FdDescriber, KindsComeFromTheLinksText) {
  const std::vector<std::pair<std::string, FdKind>> links{
      {"pipe:[77]", FdKind::pipe},
      {"socket:[78]", FdKind::socket},
      {"anon_inode:[eventpoll]", FdKind::eventpoll},
      {"anon_inode:[eventfd]", FdKind::eventfd},
      {"anon_inode:[signalfd]", FdKind::signalfd},
      {"anon_inode:[timerfd]", FdKind::timerfd},
      {"anon_inode:[pidfd]", FdKind::pidfd},
      {"anon_inode:inotify", FdKind::inotify},
      {"anon_inode:[io_uring]", FdKind::io_uring},
      {"pidfd:[27370]", FdKind::pidfd},
      {"/memfd:jit (deleted)", FdKind::memfd},
      {"anon_inode:[userfaultfd]", FdKind::other},
  };
  int number = 3;
  for (const auto& [link, kind] : links) {
    open_fd(number, link);
    EXPECT_EQ(describe(number).kind, kind) << link;
    EXPECT_EQ(describe(number).mount, "") << link;
    ++number;
  }
}

TEST_F(FdDescriber, FlagsTellADirectoryAndTheMountADevice) {
  open_fd(
      3,
      "/data/base",
      "0" +
          [] {
            std::string octal;
            for (unsigned rest = O_DIRECTORY; rest != 0; rest >>= 3U)
              octal.insert(octal.begin(), static_cast<char>('0' + (rest & 7U)));
            return octal;
          }()
  );
  open_fd(4, "/dev/null", "02", 21);
  EXPECT_EQ(describe(3).kind, FdKind::directory);
  EXPECT_EQ(describe(4).kind, FdKind::device);
}

TEST_F(FdDescriber, ADescriptorThatIsNotOpenIsNotFound) {
  EXPECT_EQ(describe_fd(fake_.proc(), 4711, 99).error().code, Errc::not_found);
}

TEST_F(FdDescriber, APathBelongsToTheMountOnTopOfTheLongestMatch) {
  EXPECT_EQ(describe("/data/nfs/x").fs_type, "nfs4");
  EXPECT_EQ(describe("/data/nfsx").fs_type, "btrfs");
  EXPECT_EQ(describe("/data").fs_type, "btrfs");
  EXPECT_EQ(describe("/srv/fifo").fs_type, "ext4");
  const FdTarget path = describe("/data//nfs/./a/../b");
  EXPECT_EQ(path.target, "/data/nfs/b");
  EXPECT_EQ(path.number, -1);
  EXPECT_EQ(path.kind, FdKind::file);
}

TEST_F(FdDescriber, ARelativePathStartsAtTheWorkingDirectoryOrADescriptor) {
  fake_.link("4711/cwd", "/data/nfs/pg");
  open_fd(9, "/srv/dir");
  EXPECT_EQ(describe("base/5/1").target, "/data/nfs/pg/base/5/1");
  EXPECT_EQ(describe("base/5/1").mount, "/data/nfs");
  EXPECT_EQ(describe("x", 9).target, "/srv/dir/x");
}

TEST_F(FdDescriber, TheMountBehindATablespaceLinkIsNotGuessed) {
  fake_.link("4711/cwd", "/data/nfs/pg");
  EXPECT_EQ(describe("pg_tblspc/16384/PG_15_202209061/5/1").mount, "");
  EXPECT_EQ(describe("pg_tblspc/16384/PG_15_202209061/5/1").fs_type, "");
}

TEST_F(FdDescriber, TheLinkOfATablespaceIsFollowedOnlyWhereThatIsAskedFor) {
  fake_.make_directory("4711/cwd/pg_tblspc");
  fake_.link("4711/cwd/pg_tblspc/16450", "/data/nfs/ts");
  FdTarget target;
  target.target = "/home/15/pg_tblspc/16450/PG_15_202209061/5/16451_fsm";
  follow_tablespace_link(fake_.proc(), 4711, target);
  EXPECT_EQ(target.mount, "/data/nfs");
  EXPECT_EQ(target.device, "filer:/export");

  FdTarget known = target;
  known.mount = "/srv";
  follow_tablespace_link(fake_.proc(), 4711, known);
  EXPECT_EQ(known.mount, "/srv");

  for (const char* other : {"/home/15/base/5/16451", "/home/15/pg_tblspc/9/PG_15_202209061/5/1"}) {
    FdTarget elsewhere;
    elsewhere.target = other;
    follow_tablespace_link(fake_.proc(), 4711, elsewhere);
    EXPECT_EQ(elsewhere.mount, "") << other;
  }
}

TEST_F(FdDescriber, AnOpenFileOfTheSameRelationTellsTheMountOfATablespace) {
  fake_.link("4711/cwd", "/data/15");
  open_fd(9, "/srv/ts/PG_15_202209061/5/16451.2", "02", 22);
  const std::string folder = "pg_tblspc/16450/PG_15_202209061/5/";
  for (const char* file : {"16451", "16451_fsm", "16451.7", "16451_vm"}) {
    EXPECT_EQ(describe(folder + file).mount, "/data") << file;
    EXPECT_EQ(describe(folder + file).device, "/dev/vdb") << file;
    EXPECT_EQ(describe(folder + file).kind, FdKind::file) << file;
  }
  for (const char* other : {"1645", "116451", "16452", "6451_fsm"})
    EXPECT_EQ(describe(folder + other).mount, "") << other;
  EXPECT_EQ(describe("pg_tblspc/16450/PG_15_202209061/6/16451").mount, "");
  EXPECT_EQ(describe("pg_tblspc/16450").mount, "");
  EXPECT_EQ(describe("pg_tblspc/16450/").mount, "");
}

TEST_F(FdDescriber, ARelativePathWithoutItsStartIsAnError) {
  EXPECT_FALSE(describe_path(fake_.proc(), 4711, AT_FDCWD, "x"));
}

class Peers : public FdDescriber {
 protected:
  void process(pid_t pid, const std::string& comm) const {
    const std::string number = std::to_string(pid);
    fake_.write(
        number + "/stat",
        number + " (" + comm + ") S 1 1 1 0 -1 64 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n"
    );
  }

  void holds(pid_t pid, int fd, const std::string& target, const std::string& flags) const {
    const std::string number = std::to_string(pid);
    const std::string name = std::to_string(fd);
    fake_.link(number + "/fd/" + name, target);
    fake_.write(number + "/fdinfo/" + name, "pos:\t0\nflags:\t" + flags + "\nmnt_id:\t15\n");
  }
};

TEST_F(Peers, OnlyTheOtherEndOfAPipeIsAPeer) {
  holds(4711, 2, "pipe:[77]", "01");
  process(4712, "logger");
  holds(4712, 7, "pipe:[77]", "00");
  process(4713, "backend");
  holds(4713, 2, "pipe:[77]", "01");
  process(4714, "stranger");
  holds(4714, 2, "pipe:[770]", "00");
  const auto peers = find_peers(fake_.proc(), {"pipe:[77]", 4711, 2}).peers;
  ASSERT_EQ(peers.size(), 1U);
  EXPECT_EQ(peers[0].pid, 4712);
  EXPECT_EQ(peers[0].comm, "logger");
  EXPECT_EQ(peers[0].state, ProcessState::sleeping);
}

TEST_F(Peers, AProcessCanBeItsOwnPeerOnce) {
  process(4711, "both");
  holds(4711, 3, "pipe:[77]", "00");
  holds(4711, 4, "pipe:[77]", "01");
  holds(4711, 5, "pipe:[77]", "01");
  const auto peers = find_peers(fake_.proc(), {"pipe:[77]", 4711, 3}).peers;
  ASSERT_EQ(peers.size(), 1U);
  EXPECT_EQ(peers[0].pid, 4711);
}

TEST_F(Peers, AScanThatRunsOutOfTimeSaysSo) {
  holds(4711, 3, "pipe:[77]", "00");
  const PeerScan scan =
      find_peers(fake_.proc(), {"pipe:[77]", 4711, 3}, std::chrono::milliseconds(0));
  EXPECT_FALSE(scan.complete);
  EXPECT_TRUE(find_peers(fake_.proc(), {"pipe:[77]", 4711, 3}).complete);
}

TEST_F(Peers, AScanStopsAfterManyPeers) {
  holds(4711, 3, "/srv/fifo", "00");
  for (pid_t pid = 5000; pid < 5040; ++pid) {
    process(pid, "writer");
    holds(pid, 4, "/srv/fifo", "01");
  }
  const PeerScan scan = find_peers(fake_.proc(), {"/srv/fifo", 4711, 3});
  EXPECT_EQ(scan.peers.size(), kMaxPeers);
  EXPECT_FALSE(scan.complete);
}

TEST(RealDescriptors, APipesReaderAndWriterFindEachOther) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const ChildProcess writer([&] {
    ::close(read_end.get());
    ::pause();
  });
  ASSERT_TRUE(testing::blocks_in(writer.pid(), "pause"));
  write_end.reset();

  const FdTarget fd = describe_fd(ProcFs(), ::getpid(), read_end.get()).value();
  EXPECT_EQ(fd.kind, FdKind::pipe);
  const auto peers = find_peers(ProcFs(), {fd.target, ::getpid(), fd.number}).peers;
  ASSERT_EQ(peers.size(), 1U);
  EXPECT_EQ(peers[0].pid, writer.pid());
  EXPECT_EQ(peers[0].state, ProcessState::sleeping);
}

TEST(RealDescriptors, AFileIsOnTheMountThatHoldsIt) {
  if (!testing::root_is_mounted()) GTEST_SKIP() << testing::kRootNotMounted;
  const TempDir dir;
  const std::string path = dir.path() / "file";
  const UniqueFd file(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_TRUE(file);
  const FdTarget fd = describe_fd(ProcFs(), ::getpid(), file.get()).value();
  EXPECT_EQ(fd.kind, FdKind::file);
  EXPECT_EQ(fd.target, path);
  EXPECT_TRUE(fd.target.starts_with(fd.mount));
  EXPECT_FALSE(fd.fs_type.empty());
  EXPECT_EQ(describe_path(ProcFs(), ::getpid(), AT_FDCWD, path).value().mount, fd.mount);

  std::filesystem::remove(path);
  EXPECT_TRUE(describe_fd(ProcFs(), ::getpid(), file.get()).value().deleted);
}

TEST(RealDescriptors, AnEventpollIsKnownByItsName) {
  const UniqueFd poll(::epoll_create1(EPOLL_CLOEXEC));
  EXPECT_EQ(describe_fd(ProcFs(), ::getpid(), poll.get()).value().kind, FdKind::eventpoll);
}

}  // namespace
}  // namespace pghang
