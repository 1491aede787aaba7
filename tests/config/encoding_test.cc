#include "config/encoding.h"

#include <string>

#include <gtest/gtest.h>

namespace pghang {
namespace {

int bad_line(const std::string& text) {
  const auto bad = find_bad_byte(text);
  return bad ? bad->line : 0;
}

TEST(Encoding, Utf8OfEveryLengthIsGood) {
  EXPECT_EQ(bad_line("plain\ttext\r\n"), 0);
  EXPECT_EQ(bad_line("\xC2\xA3 \xE2\x82\xAC \xF0\x9F\x90\x98"), 0);
  EXPECT_EQ(
      bad_line("\x7E\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"),
      0
  );
}

TEST(Encoding, NamesTheLineOfTheFirstBadByte) {
  EXPECT_EQ(bad_line("a: b\nc: \xFF\n"), 2);
  EXPECT_EQ(bad_line("\n\n\xE9t\xE9"), 3);
}

TEST(Encoding, OverlongFormsAndSurrogatesAreBad) {
  EXPECT_EQ(bad_line("\xC0\x80"), 1);
  EXPECT_EQ(bad_line("\xC1\xBF"), 1);
  EXPECT_EQ(bad_line("\xE0\x9F\xBF"), 1);
  EXPECT_EQ(bad_line("\xF0\x8F\xBF\xBF"), 1);
  EXPECT_EQ(bad_line("\xED\xA0\x80"), 1);
  EXPECT_EQ(bad_line("\xF4\x90\x80\x80"), 1);
}

TEST(Encoding, CutAndLoneBytesAreBad) {
  EXPECT_EQ(bad_line("\xE2\x82"), 1);
  EXPECT_EQ(bad_line("\xE2\x82z"), 1);
  EXPECT_EQ(bad_line("\x80"), 1);
}

TEST(Encoding, ControlCharactersAreBad) {
  EXPECT_EQ(bad_line(std::string("a\0b", 3)), 1);
  EXPECT_EQ(bad_line("\x1B[2J"), 1);
  EXPECT_EQ(bad_line("\x7F"), 1);
}

TEST(InQuotes, ShowsShortTextAsItIs) {
  EXPECT_EQ(in_quotes("caf\xC3\xA9"), "\"caf\xC3\xA9\"");
  EXPECT_EQ(in_quotes(""), "\"\"");
}

TEST(InQuotes, HidesControlCharacters) {
  EXPECT_EQ(in_quotes("a\x1B[2J\n"), "\"a?[2J?\"");
}

TEST(InQuotes, CutsLongTextAtACharactersBorder) {
  EXPECT_EQ(in_quotes(std::string(61, 'x')), "\"" + std::string(60, 'x') + "…\"");
  EXPECT_EQ(in_quotes(std::string(60, 'x')), "\"" + std::string(60, 'x') + "\"");
  EXPECT_EQ(in_quotes(std::string(59, 'x') + "\xC3\xA9z"), "\"" + std::string(59, 'x') + "…\"");
}

}  // namespace
}  // namespace pghang
