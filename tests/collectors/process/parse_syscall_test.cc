#include <gtest/gtest.h>

#include "collectors/process/parsers.h"

namespace pghang {
namespace {

TEST(ParseSyscall, ReadsANumberItsArgumentsAndTheRegisters) {
  const auto line = parse_syscall(
      "257 0xffffff9c 0x55d8 0x0 0x1b6 0x8 0xffffffffffffffff 0x7ffc7228dc88 0x7fc6028232ad\n"
  );
  ASSERT_TRUE(line);
  const SyscallLine expected{
      false,
      257,
      {0xffffff9c, 0x55d8, 0, 0x1b6, 8, 0xffffffffffffffff},
      0x7ffc7228dc88,
      0x7fc6028232ad};
  EXPECT_EQ(*line, expected);
}

TEST(ParseSyscall, ARunningProcessHasNoRegisters) {
  EXPECT_TRUE(parse_syscall("running\n").value().running);
}

TEST(ParseSyscall, OutsideASystemCallThereAreOnlyRegisters) {
  const auto line = parse_syscall("-1 0x7ffd10 0x55aa20\n");
  ASSERT_TRUE(line);
  EXPECT_FALSE(line->running);
  EXPECT_EQ(line->number, -1);
  EXPECT_EQ(line->sp, 0x7ffd10U);
  EXPECT_EQ(line->pc, 0x55aa20U);
}

TEST(ParseSyscall, RefusesAnythingElse) {
  for (const char* text :
       {"",
        "walking\n",
        "0 0x1\n",
        "-1 0x7ffd10\n",
        "-1 7ffd10 0x55aa20\n",
        "1 0x1 0x1 0x1 0x1 0x1 0x1 0x1\n",
        "-1 0x1 0x2 0x3\n"})
    EXPECT_FALSE(parse_syscall(text)) << text;
}

}  // namespace
}  // namespace pghang
