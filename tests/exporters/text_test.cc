#include "exporters/text.h"

#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace pghang {
namespace {

TEST(ValidUtf8, WellFormedTextStaysAsItIs) {
  const std::string text = "a é € 😀 \xF4\x8F\xBF\xBF";
  EXPECT_EQ(valid_utf8(text), text);
}

TEST(ValidUtf8, EveryByteOutsideASequenceIsReplaced) {
  EXPECT_EQ(
      valid_utf8("a\xFF"
                 "b"),
      "a\xEF\xBF\xBD"
      "b"
  );
  EXPECT_EQ(valid_utf8("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "overlong";
  EXPECT_EQ(valid_utf8("\xE0\x80\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") << "overlong";
  EXPECT_EQ(valid_utf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") << "surrogate";
  EXPECT_EQ(valid_utf8("\xF5\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "beyond U+10FFFF";
}

TEST(ValidUtf8, ASequenceCutAtTheEndIsReplaced) {
  EXPECT_EQ(valid_utf8("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(valid_utf8("x\xF0\x9F\x98"), "x\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(HtmlEscaped, MarkupAndControlCharactersAreHarmless) {
  EXPECT_EQ(
      html_escaped("<b onclick='x(\"1\")'>&\x01"),
      "&lt;b onclick=&#39;x(&quot;1&quot;)&#39;&gt;&amp;\xEF\xBF\xBD"
  );
}

TEST(HtmlEscaped, WhatTurnsTheTextAroundItIsShownByName) {
  const std::string override_left{'\xE2', '\x80', '\xAE'};
  const std::string isolate{'\xE2', '\x81', '\xA6'};
  const std::string mark{'\xE2', '\x80', '\x8F'};
  EXPECT_EQ(
      html_escaped("a" + override_left + "b" + isolate + mark + "\u061C\u0085"),
      "a[U+202E]b[U+2066][U+200F][U+061C][U+0085]"
  );
  EXPECT_EQ(html_escaped("ä€😀\u2019\u05D0"), "ä€😀\u2019\u05D0");
  EXPECT_EQ(html_escaped(std::string{'\0', '\xC0'}), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Rfc3339, TimesThatNoCalendarHasBecomeTheNearestOneThatItHas) {
  EXPECT_EQ(rfc3339(std::numeric_limits<std::int64_t>::min()), "0000-01-01T00:00:00.000000Z");
  EXPECT_EQ(rfc3339(std::numeric_limits<std::int64_t>::max()), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(http_date(std::numeric_limits<std::int64_t>::min()), "Sat, 01 Jan 0000 00:00:00 GMT");
  EXPECT_EQ(http_date(std::numeric_limits<std::int64_t>::max()), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(Rfc3339, MicrosecondsAndTimesBefore1970AreExact) {
  EXPECT_EQ(rfc3339(1'795'360'323'000'001), "2026-11-22T15:12:03.000001Z");
  EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999999Z");
}

TEST(HttpDate, IsTheFormOfRfc9110) {
  EXPECT_EQ(http_date(1'795'360'323'999'999), "Sun, 22 Nov 2026 15:12:03 GMT");
}

TEST(AgeText, ShowsTheTwoLargestUnits) {
  EXPECT_EQ(age_text(-3), "0 s");
  EXPECT_EQ(age_text(59.9), "59 s");
  EXPECT_EQ(age_text(200), "3 min 20 s");
  EXPECT_EQ(age_text(7500), "2 h 5 min");
  EXPECT_EQ(age_text(3 * 86400 + 4 * 3600), "3 d 4 h");
}

}  // namespace
}  // namespace pghang
