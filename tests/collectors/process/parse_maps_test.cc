#include <gtest/gtest.h>

#include "collectors/process/parsers.h"

namespace pghang {
namespace {

Mapping only(std::string_view text) {
  const auto mappings = parse_maps(text);
  EXPECT_TRUE(mappings);
  EXPECT_EQ(mappings->size(), 1U);
  return mappings->front();
}

TEST(ParseMaps, ReadsEveryField) {
  const Mapping mapping =
      only("7f6ee2a00000-7f6ee2c28000 r-xp 0001c000 fe:03 131593      /usr/lib/libc.so.6\n");
  EXPECT_EQ(mapping.start, 0x7f6ee2a00000U);
  EXPECT_EQ(mapping.end, 0x7f6ee2c28000U);
  EXPECT_EQ(mapping.offset, 0x1c000U);
  EXPECT_EQ(mapping.device, 0xfe00003U);
  EXPECT_EQ(mapping.inode, 131593U);
  EXPECT_TRUE(mapping.readable);
  EXPECT_TRUE(mapping.executable);
  EXPECT_FALSE(mapping.writable);
  EXPECT_FALSE(mapping.deleted);
  EXPECT_EQ(mapping.path, "/usr/lib/libc.so.6");
}

TEST(ParseMaps, KeepsBlanksAndDecodesNewlinesInAPath) {
  const Mapping mapping = only("1000-2000 r--p 0 00:01 5   /tmp/my  lib\\012 two .so\n");
  EXPECT_EQ(mapping.path, "/tmp/my  lib\n two .so");
}

TEST(ParseMaps, LeavesOtherBackslashesAlone) {
  EXPECT_EQ(only("1000-2000 r--p 0 00:01 5 /tmp/a\\040b\\134\n").path, "/tmp/a\\040b\\134");
}

TEST(ParseMaps, TakesDeletedOffThePath) {
  const Mapping mapping =
      only("1000-2000 r-xp 0 fe:03 7   /usr/lib/postgresql/15/bin/postgres (deleted)\n");
  EXPECT_TRUE(mapping.deleted);
  EXPECT_EQ(mapping.path, "/usr/lib/postgresql/15/bin/postgres");
}

TEST(ParseMaps, ReadsAnonymousAndSpecialMappings) {
  const auto mappings = parse_maps(
      "1000-2000 rw-p 00000000 00:00 0 \n"
      "7ffc0000-7ffd0000 rw-p 00000000 00:00 0                  [stack]\n"
      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]\n"
  );
  ASSERT_TRUE(mappings);
  ASSERT_EQ(mappings->size(), 3U);
  EXPECT_EQ((*mappings)[0].path, "");
  EXPECT_TRUE((*mappings)[0].writable);
  EXPECT_EQ((*mappings)[1].path, "[stack]");
  EXPECT_TRUE((*mappings)[2].contains(0xffffffffff600fff));
  EXPECT_FALSE((*mappings)[2].contains(0xffffffffff601000));
}

TEST(ParseMaps, AKernelThreadHasNone) {
  EXPECT_TRUE(parse_maps("").value().empty());
}

TEST(ParseMaps, RefusesWhatIsNotAMapping) {
  for (const char* text :
       {"garbage\n",
        "1000 r-xp 0 00:01 5 /x\n",
        "2000-1000 r-xp 0 00:01 5 /x\n",
        "1000-2000 r-x 0 00:01 5 /x\n",
        "1000-2000 r-xp z 00:01 5 /x\n",
        "1000-2000 r-xp 0 0001 5 /x\n",
        "1000-2000 r-xp 0 00:01\n",
        "\n"})
    EXPECT_FALSE(parse_maps(text)) << text;
}

}  // namespace
}  // namespace pghang
