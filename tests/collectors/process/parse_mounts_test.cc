#include <gtest/gtest.h>

#include "collectors/process/parsers.h"

namespace pghang {
namespace {

TEST(ParseMountinfo, ReadsAMount) {
  const auto mounts = parse_mountinfo(
      "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=x\n"
  );
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].id, 36);
  EXPECT_EQ(mounts[0].root, "/mnt1");
  EXPECT_EQ(mounts[0].mount_point, "/mnt2");
  EXPECT_EQ(mounts[0].fs_type, "ext3");
  EXPECT_EQ(mounts[0].source, "/dev/root");
  EXPECT_EQ(mounts[0].super_options, "rw,errors=x");
}

TEST(ParseMountinfo, DecodesOctalEscapes) {
  const auto mounts =
      parse_mountinfo("1 2 0:5 / /mnt/my\\040disk\\012\\134x\\011 rw - nfs srv:/a\\040b rw\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].mount_point, "/mnt/my disk\n\\x\t");
  EXPECT_EQ(mounts[0].source, "srv:/a b");
}

TEST(ParseMountinfo, ReadsAMountWithoutASource) {
  const auto mounts = parse_mountinfo("1 2 0:5 / /t rw - tmpfs  rw,size=4k\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].source, "");
  EXPECT_EQ(mounts[0].super_options, "rw,size=4k");
}

TEST(ParseMountinfo, SkipsALineThatIsNoMount) {
  EXPECT_TRUE(parse_mountinfo("x\n1 2 0:5 / /t rw\n\n").empty());
}

TEST(ParseCgroup, FindsTheFreezerAndTheUnifiedHierarchy) {
  const CgroupPaths paths =
      parse_cgroup("9:name=systemd:/s\n6:cpu,freezer,pids:/pg:15\n3:cpuset:/c\n0::/user.slice\n");
  EXPECT_EQ(paths.freezer_v1, "/pg:15");
  EXPECT_EQ(paths.unified, "/user.slice");
}

TEST(ParseCgroup, IsEmptyWhereThereIsNeither) {
  const CgroupPaths paths = parse_cgroup("9:name=freezer:/s\n3:xfreezer:/c\nnonsense\n:\n");
  EXPECT_FALSE(paths.freezer_v1);
  EXPECT_FALSE(paths.unified);
}

TEST(ParseFdinfo, ReadsFlagsAsOctal) {
  const auto info = parse_fdinfo("pos:\t8192\nflags:\t02100002\nmnt_id:\t27\nino:\t5\n");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->position, 8192U);
  EXPECT_EQ(info->flags, 02100002U);
  EXPECT_EQ(info->mount_id, 27);
}

TEST(ParseFdinfo, RefusesATextWithoutOneOfItsFields) {
  EXPECT_EQ(parse_fdinfo("pos:\t0\nflags:\t02\n").error().code, Errc::malformed);
  EXPECT_FALSE(parse_fdinfo("pos:\t0\nflags:\t09\nmnt_id:\t1\n"));
}

}  // namespace
}  // namespace pghang
