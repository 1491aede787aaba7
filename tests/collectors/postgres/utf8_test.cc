#include "collectors/postgres/utf8.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

TEST(ValidUtf8, WellFormedTextIsUnchanged) {
  const std::string text = "a\u00e9\u20ac\U0001F418z";
  EXPECT_EQ(valid_utf8(text), text);
}

TEST(ValidUtf8, EveryBadByteBecomesAQuestionMark) {
  EXPECT_EQ(valid_utf8("caf\xe9 \xff!"), "caf? ?!");
  EXPECT_EQ(valid_utf8("\xe2\x82"), "??");            // cut in the middle
  EXPECT_EQ(valid_utf8("\xc0\xaf"), "??");            // overlong slash
  EXPECT_EQ(valid_utf8("\xe0\x80\xaf"), "???");       // overlong slash
  EXPECT_EQ(valid_utf8("\xf0\x80\x80\xaf"), "????");  // overlong slash
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "???");       // surrogate
  EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80"), "????");  // beyond U+10FFFF
  EXPECT_EQ(
      valid_utf8("\x80"
                 "a"),
      "?a"
  );  // continuation without a start
  EXPECT_EQ(
      valid_utf8("\xe2"
                 "(\xa1"),
      "?(?"
  );  // start without its continuation
}

TEST(ValidUtf8, EdgesOfTheRangesAreCharacters) {
  for (const char* text :
       {"\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(valid_utf8(text), text);
  }
}

TEST(ValidUtf8, LimitCountsBytesAndNeverCutsACharacter) {
  EXPECT_EQ(valid_utf8("ab\u20ac", 5), "ab\u20ac");
  EXPECT_EQ(valid_utf8("ab\u20ac", 4), "ab");
  EXPECT_EQ(valid_utf8("ab\u20ac", 2), "ab");
  EXPECT_EQ(valid_utf8("ab", 0), "");
}

}  // namespace
}  // namespace pghang
