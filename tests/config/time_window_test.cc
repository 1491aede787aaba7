#include "config/time_window.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "config/posix_zone.h"

/// Windows by the clocks of real zones of the system's tz database.
namespace pghang {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_days;
using namespace std::chrono_literals;

TimeWindow window(const std::string& text) {
  const auto parsed = parse_time_window(text);
  EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().context);
  return parsed ? *parsed : TimeWindow{};
}

std::string problem(const std::string& text) {
  const auto parsed = parse_time_window(text);
  return parsed ? "none" : parsed.error().context;
}

/// Microseconds of unix time at a moment of UTC.
std::int64_t utc(sys_days day, minutes time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(day.time_since_epoch() + time)
      .count();
}

constexpr sys_days kMonday{2026y / 6 / 15};
constexpr sys_days kSpringForward{2026y / 3 / 29};  // Berlin: 02:00 becomes 03:00 at 01:00 UTC
constexpr sys_days kFallBack{2026y / 10 / 25};      // Berlin: 03:00 becomes 02:00 at 01:00 UTC

TEST(TimeWindows, BeginWithTheirFirstMinuteAndEndBeforeTheirLast) {
  const TimeWindow office = window("09:00-17:30 UTC");
  EXPECT_FALSE(covers(office, utc(kMonday, 8h + 59min)));
  EXPECT_TRUE(covers(office, utc(kMonday, 9h)));
  EXPECT_TRUE(covers(office, utc(kMonday, 17h + 29min)));
  EXPECT_FALSE(covers(office, utc(kMonday, 17h + 30min)));
}

TEST(TimeWindows, GoOverMidnight) {
  const TimeWindow night = window("22:00-06:00 UTC");
  EXPECT_TRUE(covers(night, utc(kMonday, 23h)));
  EXPECT_TRUE(covers(night, utc(kMonday, 0h)));
  EXPECT_TRUE(covers(night, utc(kMonday, 5h + 59min)));
  EXPECT_FALSE(covers(night, utc(kMonday, 6h)));
  EXPECT_FALSE(covers(night, utc(kMonday, 21h + 59min)));
}

TEST(TimeWindows, BelongToTheDayOnWhichTheyBegin) {
  const TimeWindow friday = window("Fri 22:00-06:00 UTC");
  constexpr sys_days day{2026y / 6 / 19};
  EXPECT_FALSE(covers(friday, utc(day, 5h))) << "of Thursday's night";
  EXPECT_TRUE(covers(friday, utc(day, 22h)));
  EXPECT_TRUE(covers(friday, utc(day + std::chrono::days(1), 5h)));
  EXPECT_FALSE(covers(friday, utc(day + std::chrono::days(1), 22h)));
}

TEST(TimeWindows, MayNameDaysAndSpansOverTheWeekend) {
  const auto on = [](const TimeWindow& w, int days) {
    return covers(w, utc(kMonday + std::chrono::days(days), 12h));
  };
  const TimeWindow week = window("Mon-Fri 00:00-24:00 UTC");
  const TimeWindow ends = window("Sat,Sun 00:00-24:00 UTC");
  const TimeWindow over = window("Sat-Mon 00:00-24:00 UTC");
  for (int day = 0; day < 7; ++day) {
    EXPECT_EQ(on(week, day), day < 5) << day;
    EXPECT_EQ(on(ends, day), day >= 5) << day;
    EXPECT_EQ(on(over, day), day == 0 || day >= 5) << day;
  }
}

TEST(TimeWindows, FollowTheClocksOfTheirZoneInSummerAndWinter) {
  const TimeWindow night = window("22:00-06:00 Europe/Berlin");
  EXPECT_TRUE(covers(night, utc(kMonday, 20h))) << "22:00 CEST";
  EXPECT_FALSE(covers(night, utc(kMonday, 19h + 59min)));
  constexpr sys_days winter{2026y / 1 / 15};
  EXPECT_FALSE(covers(night, utc(winter, 20h + 59min))) << "21:59 CET";
  EXPECT_TRUE(covers(night, utc(winter, 21h)));
}

TEST(TimeWindows, AnHourThatTheClocksSkipIsInNoWindow) {
  const TimeWindow skipped = window("02:00-03:00 Europe/Berlin");
  for (int minute = 0; minute < 24 * 60; ++minute)
    EXPECT_FALSE(covers(skipped, utc(kSpringForward, minutes(minute) - 1h))) << minute;
  const TimeWindow night = window("22:00-06:00 Europe/Berlin");
  EXPECT_TRUE(covers(night, utc(kSpringForward, 59min)));
  EXPECT_TRUE(covers(night, utc(kSpringForward, 1h)));
  EXPECT_TRUE(covers(night, utc(kSpringForward, 3h + 59min))) << "05:59 CEST: seven hours long";
  EXPECT_FALSE(covers(night, utc(kSpringForward, 4h)));
}

TEST(TimeWindows, AnHourThatTheClocksShowTwiceIsInBothTimes) {
  const TimeWindow twice = window("02:30-03:00 Europe/Berlin");
  EXPECT_TRUE(covers(twice, utc(kFallBack, 30min))) << "02:30 CEST";
  EXPECT_FALSE(covers(twice, utc(kFallBack, 1h + 15min))) << "02:15 CET";
  EXPECT_TRUE(covers(twice, utc(kFallBack, 1h + 30min))) << "02:30 CET";
  EXPECT_FALSE(covers(twice, utc(kFallBack, 2h)));
}

TEST(TimeWindows, KnowZonesWithoutDaylightSavingAndWithOddOffsets) {
  EXPECT_TRUE(covers(window("05:30-06:00 Asia/Kolkata"), utc(kMonday, 0h)));
  EXPECT_FALSE(covers(window("05:30-06:00 Asia/Kolkata"), utc(kMonday, 30min)));
  EXPECT_TRUE(covers(window("19:00-20:00 America/New_York"), utc(kMonday, 23h + 30min)));
}

TEST(TimeWindows, AreReadBackAsTheyWereWritten) {
  for (const char* text :
       {"22:00-06:00 Europe/Berlin", "Mon,Tue 09:00-17:30 UTC", "Sat,Sun 00:00-24:00 UTC"})
    EXPECT_EQ(to_string(window(text)), text);
  EXPECT_EQ(to_string(window("Mon-Wed 01:00-02:00 UTC")), "Mon,Tue,Wed 01:00-02:00 UTC");
}

TEST(TimeWindows, OfNoLengthAreRefused) {
  EXPECT_EQ(problem("10:00-10:00 UTC"), "ends when it begins; a whole day is `00:00-24:00`");
}

TEST(TimeWindows, OtherTextsAreRefusedWithWhatIsWrong) {
  EXPECT_EQ(
      problem("22:00-06:00 Europe/Atlantis"),
      "`Europe/Atlantis` is not a time zone like Europe/Berlin or UTC"
  );
  for (const char* text :
       {"",
        "22:00-06:00",
        "22-06 UTC",
        "22:00 UTC",
        "24:00-06:00 UTC",
        "22:60-06:00 UTC",
        "22:00-24:01 UTC",
        "Mo 22:00-06:00 UTC",
        "Mon- 22:00-06:00 UTC",
        "22:00-06:00 ../../etc/passwd",
        "22:00-06:00 /etc/passwd",
        "22:00-06:00 Europe",
        "a b c d"})
    EXPECT_NE(problem(text), "none") << text;
}

TEST(PosixRules, GoOnWhereTheFileEnds) {
  const auto changes =
      posix_changes("CET-1CEST,M3.5.0,M10.5.0/3", utc(kMonday, 0h) / 1'000'000, 2027);
  ASSERT_TRUE(changes);
  ASSERT_EQ(changes->size(), 3U);
  EXPECT_EQ((*changes)[0], (ClockChange{utc(kFallBack, 1h) / 1'000'000, 3600}));
  EXPECT_EQ((*changes)[1], (ClockChange{utc(sys_days{2027y / 3 / 28}, 1h) / 1'000'000, 7200}));
}

TEST(PosixRules, KnowTheSouthAndZonesThatNeverChange) {
  const auto sydney =
      posix_changes("AEST-10AEDT,M10.1.0,M4.1.0/3", utc(kMonday, 0h) / 1'000'000, 2026);
  ASSERT_TRUE(sydney);
  ASSERT_EQ(sydney->size(), 1U);
  EXPECT_EQ((*sydney)[0], (ClockChange{utc(sys_days{2026y / 10 / 3}, 16h) / 1'000'000, 39600}));
  const auto fixed = posix_changes("<+0530>-5:30", 0, 2026);
  ASSERT_TRUE(fixed);
  EXPECT_TRUE(fixed->empty());
}

TEST(PosixRules, SummerThatEndsWhenItBeginsGoesOn) {
  const auto changes = posix_changes("XXX3EDT4,0/0,J365/23", utc(kMonday, 0h) / 1'000'000, 2030);
  ASSERT_TRUE(changes);
  ASSERT_FALSE(changes->empty());
  for (std::size_t i = 0; i < changes->size(); ++i) {
    EXPECT_EQ(changes->at(i).ahead_seconds, i + 1 < changes->size() ? -4 * 3600 : -3 * 3600);
    if (i > 0) {
      EXPECT_LT(changes->at(i - 1).at, changes->at(i).at);
    }
  }
}

TEST(PosixRules, OtherTextsAreNone) {
  for (const char* text :
       {"",
        "CET",
        "-1",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,J1",
        "<CET-1",
        "CET-200",
        "CET-1CEST,M3.5.0,M10.5.0x"})
    EXPECT_FALSE(posix_changes(text, 0, 2026)) << text;
}

TEST(TzFiles, ThatAreCutOrChangedAreRefused) {
  EXPECT_FALSE(parse_tzif("x", ""));
  EXPECT_FALSE(parse_tzif("x", "TZif2"));
  EXPECT_FALSE(parse_tzif("x", std::string(200, '\xFF')));
  std::string huge = "TZif2" + std::string(15, '\0') + std::string(24, '\x7F');
  EXPECT_FALSE(parse_tzif("x", huge));
}

TEST(TzFiles, ThatAreDamagedAnywhereGiveAZoneOrNone) {
  std::ifstream file("/usr/share/zoneinfo/Europe/Berlin", std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  ASSERT_TRUE(parse_tzif("x", whole));
  std::size_t refused = 0;
  const auto ask = [&](const std::string& bytes) {
    const auto zone = parse_tzif("x", bytes);
    if (!zone) {
      ++refused;
      return;
    }
    ASSERT_FALSE(zone->changes.empty());
    ASSERT_LT(zone->changes.size(), 1000U);
    static_cast<void>(ahead_of_utc(*zone, 1'800'000'000));
  };
  for (std::size_t at = 0; at < whole.size(); ++at) {
    ask(whole.substr(0, at));
    for (const char byte : {'\0', '\x7F', '\xFF'}) {
      std::string changed = whole;
      changed[at] = byte;
      ask(changed);
    }
  }
  EXPECT_GT(refused, whole.size());
}

}  // namespace
}  // namespace pghang
