#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "config/unique_fd.h"
#include "tests/collectors/sampler/support.h"

/// Processes that SIGKILL does not end, the real thing: they create a file on a frozen file system.
namespace pghang::sampler {
namespace {

using std::chrono::milliseconds;
using testing::Environment;
using testing::eventually;
using testing::Helper;
using testing::hooked_program;
using testing::Target;
using testing::TemporaryFolder;

bool shell(const std::string& command) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c): one thread; commands of this file only
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

/// A small ext4 that can be frozen (what `fsfreeze` or a snapshot of a volume does).
class FrozenFileSystem : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string image = folder_.file("image");
    const std::string mount_point = folder_.file("mnt");
    mounted_ = ::geteuid() == 0 && shell("truncate -s 8M " + image) &&
               shell("PATH=$PATH:/sbin mkfs.ext4 -q " + image) && shell("mkdir " + mount_point) &&
               shell("mount -o loop " + image + " " + mount_point);
    if (!mounted_) GTEST_SKIP() << "needs root and a loop device";
    root_.reset(::open(mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(::ioctl(root_.get(), FIFREEZE, 0), 0);
  }

  void TearDown() override {
    if (!mounted_) return;
    thaw();
    root_.reset();
    EXPECT_TRUE(eventually([&] { return shell("umount " + folder_.file("mnt")); }));
  }

  void thaw() const { ::ioctl(root_.get(), FITHAW, 0); }

  [[nodiscard]] std::string inside() const { return folder_.file("mnt") + "/file"; }

  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
  UniqueFd root_;
  bool mounted_ = false;
};

TEST_F(FrozenFileSystem, ATargetInDIsSeenInPlaceWithItsWholeStack) {
  const Target target(inside());
  Helper helper;
  const auto capture = helper.capture({.pid = target.pid()});
  ASSERT_TRUE(capture) << capture.error().context;
  EXPECT_EQ(capture->samples.back().state, ProcessState::uninterruptible);
  EXPECT_EQ(capture->samples.back().flags.proc_die_pending, 1);
  EXPECT_EQ(capture->stack.method, CaptureMethod::in_place);
  EXPECT_EQ(capture->stack.held_micros, 0);
  EXPECT_TRUE(capture->stack.complete) << capture->stack.stop_reason;
  ASSERT_TRUE(capture->syscall);
  EXPECT_EQ(capture->syscall->path, inside());
  EXPECT_GE(capture->syscall->at_least_seconds, 0.04);
  thaw();
}

TEST_F(FrozenFileSystem, CaptureChildrenInDAreAbandonedUpToALimitAndForgottenWhenTheyEnd) {
  std::ofstream(folder().file("count")) << kMaxAbandoned;
  const Environment environment(
      {{"PGHANG_TEST_STUCK", inside()}, {"PGHANG_TEST_COUNT_FILE", folder().file("count")}}
  );
  const Target target("sleep");
  Helper helper(hooked_program());
  const CaptureRequest request{.pid = target.pid(), .samples = 1};
  for (unsigned number = 1; number <= kMaxAbandoned; ++number) {
    const auto stuck = helper.capture(request, milliseconds(400));
    ASSERT_FALSE(stuck);
    EXPECT_EQ(stuck.error().code, Errc::timeout);
    ASSERT_TRUE(eventually([&] { return helper.stats().abandoned == number; }));
    if (number == kMaxAbandoned) break;
    ASSERT_TRUE(eventually([&] { return helper.stats().worker_pid > 0; }));
    EXPECT_EQ(helper.stats().worker_restarts, number);
  }
  const auto refused = helper.capture(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::refused);
  EXPECT_NE(refused.error().context.find("4 capture processes"), std::string::npos)
      << refused.error().context;

  thaw();
  EXPECT_TRUE(eventually([&] {
    const SamplerStats stats = helper.stats();
    return stats.abandoned == 0 && stats.worker_pid > 0;
  }));
  EXPECT_TRUE(helper.capture(request));
}

}  // namespace
}  // namespace pghang::sampler
