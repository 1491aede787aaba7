#include "collectors/process/cgroup_freezer.h"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "collectors/process/observer.h"
#include "collectors/process/parsers.h"
#include "tests/collectors/process/support.h"

namespace pghang {
namespace {

using testing::ChildProcess;
using testing::eventually;
using testing::FakeProc;

class FakeHierarchies : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string root = fake_.path().string();
    fake_.write(
        "self/mountinfo",
        "30 1 0:30 / /somewhere rw - cgroup cgroup rw,cpu\n"
        "31 1 0:31 / " +
            root +
            "/v1 rw - cgroup cgroup rw,cpu,freezer\n"
            "32 1 0:32 / " +
            root + "/v2 rw - cgroup2 cgroup2 rw\n"
    );
    fake_.write("4711/cgroup", "6:cpu,freezer:/pg\n0::/pg\n");
    fake_.write("v1/pg/freezer.state", "THAWED\n");
    fake_.write("v2/pg/cgroup.events", "populated 1\nfrozen 0\n");
  }

  [[nodiscard]] Result<bool> frozen(std::string_view wchan = "") const {
    return is_frozen(fake_.proc(), 4711, wchan);
  }

  FakeProc fake_;
};

TEST_F(FakeHierarchies, AThawedProcessIsNotFrozen) {
  EXPECT_EQ(frozen().value(), false);
}

TEST_F(FakeHierarchies, TheFirstVersionSaysSoInItsState) {
  fake_.write("v1/pg/freezer.state", "FROZEN\n");
  EXPECT_EQ(frozen().value(), true);
}

TEST_F(FakeHierarchies, TheSecondVersionSaysSoInItsEvents) {
  fake_.write("v2/pg/cgroup.events", "populated 1\nfrozen 1\n");
  EXPECT_EQ(frozen().value(), true);
}

TEST_F(FakeHierarchies, WhileACgroupIsFreezingTheTaskItselfDecides) {
  fake_.write("v1/pg/freezer.state", "FREEZING\n");
  EXPECT_EQ(frozen().value(), false);
  EXPECT_EQ(frozen("__refrigerator").value(), true);
  EXPECT_EQ(frozen("do_freezer_trap").value(), true);
}

TEST_F(FakeHierarchies, ARootCgroupCannotBeFrozen) {
  fake_.write("4711/cgroup", "6:freezer:/\n0::/\n");
  EXPECT_EQ(frozen().value(), false);
}

TEST_F(FakeHierarchies, AMountOfAPartOfTheHierarchyIsFollowed) {
  fake_.write(
      "self/mountinfo",
      "31 1 0:31 /docker/a " + fake_.path().string() + "/v1 rw - cgroup cgroup rw,freezer\n"
  );
  fake_.write("4711/cgroup", "6:freezer:/docker/a/pg\n");
  fake_.write("v1/pg/freezer.state", "FROZEN\n");
  EXPECT_EQ(frozen().value(), true);
}

TEST_F(FakeHierarchies, WithoutAFreezerNothingIsFrozen) {
  fake_.write("self/mountinfo", "20 1 254:0 / / rw - ext4 /dev/vda rw\n");
  EXPECT_EQ(frozen().value(), false);
}

TEST_F(FakeHierarchies, AFileThatCannotBeReadIsAnErrorAndNotThawed) {
  std::filesystem::remove(fake_.path() / "v2/pg/cgroup.events");
  EXPECT_EQ(frozen().error().code, Errc::not_found);
  fake_.write("v1/pg/freezer.state", "FROZEN\n");
  EXPECT_EQ(frozen().value(), true);
}

/// A cgroup of the real kernel with one child of the test in it. Thaws before it ends the child.
class RealCgroup {
 public:
  RealCgroup(
      const std::string& mount_point,
      const char* switch_name,
      const char* on,
      const char* off
  )
      : directory_(mount_point + "/pghang-test-" + std::to_string(::getpid())),
        switch_(directory_ / switch_name),
        on_(on),
        off_(off) {
    std::error_code error;
    std::filesystem::create_directory(directory_, error);
    usable_ = !error && std::filesystem::exists(switch_) &&
              write(directory_ / "cgroup.procs", std::to_string(child_.pid()));
  }

  RealCgroup(const RealCgroup&) = delete;
  RealCgroup& operator=(const RealCgroup&) = delete;

  ~RealCgroup() {
    static_cast<void>(set(false));
    child_.end();
    // The kernel takes the ended child out of the cgroup in its own time.
    static_cast<void>(eventually([this] {
      return ::rmdir(directory_.c_str()) == 0 || !std::filesystem::exists(directory_);
    }));
  }

  [[nodiscard]] bool usable() const { return usable_; }

  [[nodiscard]] pid_t child() const { return child_.pid(); }

  [[nodiscard]] bool set(bool frozen) const { return write(switch_, frozen ? on_ : off_); }

  [[nodiscard]] bool reads_frozen() const {
    std::vector<Missing> missing;
    const auto sample = observe_sample(ProcFs(), child_.pid(), {}, missing);
    return sample && sample->frozen;
  }

 private:
  static bool write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream out(file);
    return static_cast<bool>(out << text << std::flush);
  }

  ChildProcess child_{[] {
    ::pause();
  }};
  std::filesystem::path directory_;
  std::filesystem::path switch_;
  std::string on_;
  std::string off_;
  bool usable_ = false;
};

std::string mount_point_of(const std::string& fs_type, const std::string& option) {
  for (const Mount& mount : parse_mountinfo(ProcFs().read_global("self/mountinfo").value()))
    if (mount.fs_type == fs_type && mount.super_options.find(option) != std::string::npos)
      return mount.mount_point;
  return "";
}

void expect_freeze_and_thaw_are_seen(RealCgroup& cgroup) {
  EXPECT_FALSE(cgroup.reads_frozen());
  ASSERT_TRUE(cgroup.set(true));
  EXPECT_TRUE(eventually([&] { return cgroup.reads_frozen(); }));
  ASSERT_TRUE(cgroup.set(false));
  EXPECT_TRUE(eventually([&] { return !cgroup.reads_frozen(); }));
}

TEST(RealFreezer, TheFirstVersionIsSeen) {
  const std::string mount_point = mount_point_of("cgroup", "freezer");
  if (::geteuid() != 0 || mount_point.empty())
    GTEST_SKIP() << "needs root and a mounted v1 freezer";
  RealCgroup cgroup(mount_point, "freezer.state", "FROZEN", "THAWED");
  if (!cgroup.usable()) GTEST_SKIP() << "no cgroup may be made in " << mount_point;
  expect_freeze_and_thaw_are_seen(cgroup);
}

TEST(RealFreezer, TheSecondVersionIsSeen) {
  const std::string mount_point = mount_point_of("cgroup2", "");
  if (::geteuid() != 0 || mount_point.empty())
    GTEST_SKIP() << "needs root and a mounted v2 hierarchy";
  RealCgroup cgroup(mount_point, "cgroup.freeze", "1", "0");
  if (!cgroup.usable()) GTEST_SKIP() << "no cgroup may be made in " << mount_point;
  expect_freeze_and_thaw_are_seen(cgroup);
}

}  // namespace
}  // namespace pghang
