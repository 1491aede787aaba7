#include "config/units.h"

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace pghang {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Duration duration(const char* text) {
  const auto parsed = parse_duration(text);
  return parsed ? *parsed : Duration{-1};
}

std::string why_not(const char* text) {
  const auto parsed = parse_duration(text);
  return parsed ? "" : parsed.error().context;
}

std::uint64_t size(const char* text) {
  const auto parsed = parse_size(text);
  return parsed ? *parsed : 0;
}

TEST(Duration, HasTheUnitsOfPostgresqlAndPrometheus) {
  EXPECT_EQ(duration("250ms"), milliseconds{250});
  EXPECT_EQ(duration("30s"), seconds{30});
  EXPECT_EQ(duration("5min"), minutes{5});
  EXPECT_EQ(duration("5m"), minutes{5});
  EXPECT_EQ(duration("2h"), hours{2});
  EXPECT_EQ(duration("1d"), hours{24});
}

TEST(Duration, MayBeASum) {
  EXPECT_EQ(duration("1h30min"), minutes{90});
  EXPECT_EQ(duration("1d2h3m4s5ms"), hours{26} + minutes{3} + seconds{4} + milliseconds{5});
}

TEST(Duration, ZeroNeedsNoUnit) {
  EXPECT_EQ(duration("0"), Duration{0});
  EXPECT_EQ(duration("0s"), Duration{0});
}

TEST(Duration, ABareNumberIsToldToAddAUnit) {
  EXPECT_EQ(why_not("30"), "needs a unit: ms, s, min, h or d");
  EXPECT_EQ(why_not("1h30"), "needs a unit: ms, s, min, h or d");
}

TEST(Duration, AFractionIsToldToBeASum) {
  EXPECT_EQ(why_not("1.5h"), "has a fraction; write 1h30min instead of 1.5h");
}

TEST(Duration, UnitsComeOnceAndLargestFirst) {
  const char* const expected = "must name larger units first, each once";
  EXPECT_EQ(why_not("30min1h"), expected);
  EXPECT_EQ(why_not("1s1s"), expected);
  EXPECT_EQ(why_not("1m1min"), expected);
}

TEST(Duration, AnythingElseIsRefused) {
  for (const char* const text :
       {"", " 30s", "30s ", "30 s", "-5s", "+5s", "s", "soon", "30S", "5us"})
    EXPECT_EQ(duration(text), Duration{-1}) << text;
}

TEST(Duration, TheLongestFitsAndOneMoreDoesNot) {
  EXPECT_EQ(duration("9223372036854775807ms"), Duration::max());
  EXPECT_EQ(why_not("9223372036854775808ms"), "is too long");
  EXPECT_EQ(why_not("9223372036854775s808ms"), "is too long");
  EXPECT_EQ(why_not("106751991168d"), "is too long");
  EXPECT_EQ(why_not("99999999999999999999s"), "is too long");
}

TEST(Duration, IsWrittenInTheLargestUnits) {
  EXPECT_EQ(format_duration(Duration{0}), "0s");
  EXPECT_EQ(format_duration(milliseconds{250}), "250ms");
  EXPECT_EQ(format_duration(seconds{90}), "1min30s");
  EXPECT_EQ(format_duration(hours{25}), "1d1h");
  EXPECT_EQ(format_duration(-seconds{90}), "-1min30s");
  EXPECT_EQ(format_duration(Duration::min()), "-106751991167d7h12min55s808ms");
}

TEST(Duration, WhatIsWrittenIsReadBack) {
  constexpr std::uint64_t seed = 20240501;
  std::mt19937_64 random(seed);
  for (int i = 0; i < 10'000; ++i) {
    // Every order of magnitude, not only the largest.
    const auto bits = static_cast<unsigned>(random() % 63);
    const Duration wanted{static_cast<Duration::rep>((random() >> 1U) >> bits)};
    const auto read = parse_duration(format_duration(wanted));
    ASSERT_TRUE(read) << format_duration(wanted);
    ASSERT_EQ(*read, wanted);
  }
}

TEST(Size, HasPostgresqlsUnitsInPowersOf1024) {
  EXPECT_EQ(size("512"), 512U);
  EXPECT_EQ(size("512B"), 512U);
  EXPECT_EQ(size("64kB"), 65536U);
  EXPECT_EQ(size("8MB"), 8U << 20U);
  EXPECT_EQ(size("1GB"), 1U << 30U);
  EXPECT_EQ(size("1KiB"), 1024U);
  EXPECT_EQ(size("1MiB"), 1U << 20U);
  EXPECT_EQ(size("1GiB"), 1U << 30U);
}

TEST(Size, UpperAndLowerCaseAreTheSame) {
  EXPECT_EQ(size("2kb"), size("2KB"));
  EXPECT_EQ(size("2mib"), size("2MIB"));
}

TEST(Size, AnythingElseIsRefused) {
  for (const char* const text : {"", "kB", "-1", "1 kB", "1.5MB", "1TB", "1k", "1kBs", " 1"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Size, TheLargestFitsAndOneMoreDoesNot) {
  EXPECT_EQ(size("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_FALSE(parse_size("18446744073709551616"));
  EXPECT_EQ(size("17179869183GB"), 17179869183ULL << 30U);
  EXPECT_FALSE(parse_size("17179869184GB"));
}

TEST(Size, IsWrittenInTheLargestUnitThatDividesIt) {
  EXPECT_EQ(format_size(0), "0B");
  EXPECT_EQ(format_size(100), "100B");
  EXPECT_EQ(format_size(1536), "1536B");
  EXPECT_EQ(format_size(1536 << 10U), "1536kB");
  EXPECT_EQ(format_size(8U << 20U), "8MB");
  EXPECT_EQ(format_size(1U << 30U), "1GB");
}

}  // namespace
}  // namespace pghang
