#include <string>

#include <gtest/gtest.h>

#include "collectors/process/parsers.h"

namespace pghang {
namespace {

TEST(ParseIo, ReadsTheFourCounters) {
  const auto io = parse_io(
      "rchar: 6976\nwchar: 5\nsyscr: 10\nsyscw: 0\nread_bytes: 4096\nwrite_bytes: 8192\n"
      "cancelled_write_bytes: 1\n"
  );
  ASSERT_TRUE(io);
  EXPECT_EQ(*io, (IoCounters{6976, 5, 4096, 8192}));
}

TEST(ParseIo, RefusesATextWithoutOneOfThem) {
  EXPECT_EQ(parse_io("rchar: 1\nwchar: 2\nread_bytes: 3\n").error().code, Errc::malformed);
  EXPECT_FALSE(parse_io("rchar: 1\nwchar: -2\nread_bytes: 3\nwrite_bytes: 4\n"));
}

TEST(ParseSchedstat, TakesTheTimeOnCpu) {
  EXPECT_EQ(parse_schedstat("123456789 555 42\n").value(), 123456789U);
  EXPECT_FALSE(parse_schedstat("\n"));
}

TEST(ParseBtime, FindsTheLine) {
  EXPECT_EQ(
      parse_btime("cpu  1 2 3\nintr 5 0\nbtime 1790000000\nprocesses 9\n").value(),
      1790000000
  );
  EXPECT_FALSE(parse_btime("cpu  1 2 3\n"));
}

TEST(ParseKernelStack, DropsTheAddressesAndTheClosingOne) {
  const auto frames = parse_kernel_stack(
      "[<0>] fifo_open+0x1a/0x330\n[<ffffffff811f0c92>] do_dentry_open+0x1/0x2 [ext4]\n"
      "[<ffffffffffffffff>] 0xffffffffffffffff\n"
  );
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0], "fifo_open+0x1a/0x330");
  EXPECT_EQ(frames[1], "do_dentry_open+0x1/0x2 [ext4]");
}

TEST(ParseCmdline, JoinsTheArgumentsAndDropsThePadding) {
  using std::string_literals::operator""s;
  EXPECT_EQ(parse_cmdline("postgres: app db [local] COPY\0\0\0"s), "postgres: app db [local] COPY");
  EXPECT_EQ(parse_cmdline("postgres\0-D\0/data\0"s), "postgres -D /data");
  EXPECT_EQ(parse_cmdline(""), "");
}

}  // namespace
}  // namespace pghang
