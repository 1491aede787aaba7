#include "collectors/process/argument_text.h"

#include <fcntl.h>

#include <array>
#include <string>

#include <gtest/gtest.h>

/// Expected texts are strace 6.1's own for the same values.
namespace pghang {
namespace {

TEST(ArgumentText, EscapesAPathAsStraceDoes) {
  EXPECT_EQ(quoted("/tmp/a\"b\x01\x12\n\\x"), R"("/tmp/a\"b\1\22\n\\x")");
}

TEST(ArgumentText, WritesThreeOctalDigitsWhereADigitFollows) {
  EXPECT_EQ(
      quoted("\x01"
             "7\x7f"),
      R"("\0017\177")"
  );
}

TEST(ArgumentText, EscapesBytesAbove127) {
  EXPECT_EQ(quoted("\xc3\xa4"), R"("\303\244")");
}

TEST(ArgumentText, WritesTheAccessModeBeforeTheFlags) {
  EXPECT_EQ(open_flags_text(O_RDONLY), "O_RDONLY");
  EXPECT_EQ(
      open_flags_text(O_RDWR | O_CREAT | O_EXCL | O_SYNC | O_CLOEXEC),
      "O_RDWR|O_CREAT|O_EXCL|O_SYNC|O_CLOEXEC"
  );
}

TEST(ArgumentText, AFlagOfSeveralBitsIsNotSplit) {
  EXPECT_EQ(open_flags_text(O_WRONLY | O_DSYNC), "O_WRONLY|O_DSYNC");
  EXPECT_EQ(open_flags_text(O_RDWR | O_TMPFILE), "O_RDWR|O_TMPFILE");
  EXPECT_EQ(open_flags_text(O_PATH | O_DIRECTORY), "O_RDONLY|O_PATH|O_DIRECTORY");
}

TEST(ArgumentText, BitsWithoutANameComeInHex) {
  const std::array<NamedValue, 1> names{{{1, "ONE"}}};
  EXPECT_EQ(flags_text(0, names), "0");
  EXPECT_EQ(flags_text(0x21, names), "ONE|0x20");
  EXPECT_EQ(flags_text(0x20, names), "0x20");
  EXPECT_EQ(constant_text(7, names), "0x7");
}

TEST(ArgumentText, ANullAddressIsNull) {
  EXPECT_EQ(address_text(0), "NULL");
  EXPECT_EQ(address_text(0x7ffc7228dc88), "0x7ffc7228dc88");
}

}  // namespace
}  // namespace pghang
