#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "collectors/process/observer.h"
#include "config/unique_fd.h"
#include "tests/collectors/process/support.h"

/// A real FUSE file system whose daemon stops answering.
namespace pghang {
namespace {

using testing::blocks_in;
using testing::ChildProcess;
using testing::TempDir;

constexpr const char* kType = "fuse.pghangtest";

/// The kernel's requests (linux/fuse.h), as far as opening one file takes them.
class Daemon {
 public:
  explicit Daemon(int device) : device_(device) {}

  [[noreturn]] void serve() {
    std::array<std::byte, 1U << 17U> request{};
    for (;;) {
      const ssize_t got = ::read(device_, request.data(), request.size());
      if (got < 0 && errno == ENODEV) ::_exit(0);  // unmounted
      if (got < static_cast<ssize_t>(sizeof(fuse_in_header))) continue;
      fuse_in_header header{};
      std::memcpy(&header, request.data(), sizeof header);
      answer(header);
    }
  }

 private:
  void answer(const fuse_in_header& header) const {
    switch (header.opcode) {
      case FUSE_INIT: {
        fuse_init_out out{};
        out.major = FUSE_KERNEL_VERSION;
        out.minor = 31;
        out.max_write = 4096;
        return reply(header, &out, sizeof out);
      }
      case FUSE_LOOKUP: {
        fuse_entry_out out{};
        out.nodeid = 2;
        out.attr = attributes(2);
        return reply(header, &out, sizeof out);
      }
      case FUSE_GETATTR: {
        fuse_attr_out out{};
        out.attr = attributes(header.nodeid);
        return reply(header, &out, sizeof out);
      }
      case FUSE_OPEN: {
        fuse_open_out out{};
        out.open_flags = FOPEN_DIRECT_IO;
        return reply(header, &out, sizeof out);
      }
      // What it does not answer, for good.
      case FUSE_READ:
      case FUSE_INTERRUPT:
      case FUSE_FORGET:
      case FUSE_BATCH_FORGET: return;
      default: return reply(header, nullptr, 0, -ENOSYS);
    }
  }

  static fuse_attr attributes(std::uint64_t node) {
    fuse_attr attr{};
    attr.ino = node;
    attr.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755U : S_IFREG | 0644U;
    attr.nlink = 1;
    attr.size = 1U << 20U;
    return attr;
  }

  void reply(const fuse_in_header& to, const void* body, std::size_t size, int error = 0) const {
    fuse_out_header header{};
    header.len = static_cast<std::uint32_t>(sizeof header + size);
    header.error = error;
    header.unique = to.unique;
    std::string bytes(sizeof header, '\0');
    std::memcpy(bytes.data(), &header, sizeof header);
    if (size > 0) bytes.append(static_cast<const char*>(body), size);
    if (::write(device_, bytes.data(), bytes.size()) < 0) ::_exit(3);
  }

  int device_;
};

/// Mounted and served until it goes: the daemon ends first, which fails every request that waits.
class FuseMount {
 public:
  explicit FuseMount(const std::filesystem::path& at) : at_(at.string()) {
    UniqueFd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
    if (!device) return;
    const std::string options =
        "fd=" + std::to_string(device.get()) + ",rootmode=40000,user_id=0,group_id=0";
    mounted_ = ::mount("pghang", at_.c_str(), kType, MS_NOSUID | MS_NODEV, options.c_str()) == 0;
    if (!mounted_) return;
    daemon_ = std::make_unique<ChildProcess>([&] { Daemon(device.get()).serve(); });
  }

  FuseMount(const FuseMount&) = delete;
  FuseMount& operator=(const FuseMount&) = delete;

  ~FuseMount() {
    daemon_.reset();
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }

  [[nodiscard]] bool mounted() const { return mounted_; }

  [[nodiscard]] pid_t daemon() const { return daemon_->pid(); }

 private:
  std::string at_;
  bool mounted_ = false;
  std::unique_ptr<ChildProcess> daemon_;
};

TEST(Fuse, AReadThatIsNotAnsweredNamesTheDaemon) {
  const TempDir dir;
  // It may sit where SIGKILL does not reach it until the daemon has ended: so it goes last.
  std::unique_ptr<ChildProcess> reader;
  const FuseMount mount(dir.path());
  if (!mount.mounted()) GTEST_SKIP() << "no FUSE here: " << std::strerror(errno);
  const std::string file = dir.path() / "1259";
  reader = std::make_unique<ChildProcess>([&] {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    std::array<char, 100> buffer{};
    if (::pread(fd, buffer.data(), buffer.size(), 5) < 0) ::_exit(2);
  });
  ASSERT_TRUE(blocks_in(reader->pid(), "pread64"));

  Capture capture;
  ASSERT_TRUE(observe_process(ProcFs(), reader->pid(), true, capture));
  ASSERT_TRUE(capture.syscall && capture.syscall->fd);
  EXPECT_TRUE(capture.syscall->text.ends_with(", 100, 5)")) << capture.syscall->text;
  const FdTarget& fd = *capture.syscall->fd;
  EXPECT_EQ(fd.target, file);
  EXPECT_EQ(fd.mount, dir.path().string());
  EXPECT_EQ(fd.fs_type, kType);
  EXPECT_NE(fd.fuse_connection, 0U);
  const bool named = std::ranges::any_of(fd.servers, [&mount](const RelatedProcess& server) {
    return server.pid == mount.daemon();
  });
  EXPECT_TRUE(named) << fd.servers.size();
  // Before Linux 6.16 everybody who has /dev/fuse open may be the one.
  if (fd.servers_certain) {
    EXPECT_EQ(fd.servers.size(), 1U);
  }
}

}  // namespace
}  // namespace pghang
