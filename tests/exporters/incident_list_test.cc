#include "exporters/incident_list.h"

#include <gtest/gtest.h>

#include "exporters/parse_time.h"
#include "exporters/text.h"
#include "tests/exporters/sample_data.h"

namespace pghang {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

Incident opened(std::int64_t second, const std::string& id) {
  Incident incident = sample::incident();
  incident.evidence.reset();
  incident.opened_at_micros = sample::kNow + second * kSecond;
  incident.id = id;
  return incident;
}

std::vector<std::string> ids(const IncidentList& list) {
  std::vector<std::string> all;
  for (const Incident* incident : list.incidents)
    all.push_back(incident->id);
  return all;
}

TEST(IncidentList, IsNewestFirstWhateverTheOrderItCameIn) {
  const std::deque<Incident> incidents{opened(1, "a"), opened(3, "b"), opened(1, "c")};
  EXPECT_EQ(ids(list_incidents(incidents)), (std::vector<std::string>{"b", "c", "a"}));
}

TEST(IncidentList, PagesNeitherRepeatNorLeaveOutWhileOthersComeAndGo) {
  std::deque<Incident> incidents;
  for (int i = 0; i < 40; ++i)
    incidents.push_front(opened(i / 3, "old-" + std::to_string(i)));
  std::vector<std::string> expected = ids(list_incidents(incidents));
  std::vector<std::string> seen;
  IncidentPaging paging{3, std::nullopt};
  for (int page = 0; page < 100; ++page) {
    const IncidentList list = list_incidents(incidents, {}, paging);
    for (const std::string& id : ids(list))
      seen.push_back(id);
    if (!list.next) break;
    paging.after = position_of(cursor_of(*list.next));
    incidents.push_front(opened(100 + page, "new-" + std::to_string(page)));
    // The last one shown is forgotten: the next page begins behind it all the same.
    std::erase_if(incidents, [&](const Incident& one) { return one.id == list.next->id; });
    incidents[incidents.size() / 2].stage = Stage::resolved;
  }
  EXPECT_EQ(seen, expected);
}

TEST(IncidentList, CountsWhatMatchesOnEveryPageAndPointsOnlyToOneThatIsThere) {
  const std::deque<Incident> incidents{opened(1, "a"), opened(2, "b")};
  const IncidentList first = list_incidents(incidents, {}, {1, std::nullopt});
  EXPECT_EQ(first.matching, 2U);
  ASSERT_TRUE(first.next);
  const IncidentList second = list_incidents(incidents, {}, {1, first.next});
  EXPECT_EQ(second.matching, 2U);
  EXPECT_FALSE(second.next);
  EXPECT_FALSE(list_incidents(incidents, {}, {2, std::nullopt}).next);
}

TEST(IncidentFilter, ComparesEachFieldAndOnlyThose) {
  const Incident incident = sample::incident();
  const auto lets_through = [&](const IncidentFilter& filter) {
    return holds(filter, incident);
  };
  EXPECT_TRUE(lets_through({}));
  EXPECT_TRUE(lets_through({.open = true}));
  EXPECT_FALSE(lets_through({.open = false}));
  EXPECT_TRUE(lets_through({.target = "main"}));
  EXPECT_FALSE(lets_through({.target = "mai"}));
  EXPECT_TRUE(lets_through({.rule = "long_copy"}));
  EXPECT_FALSE(lets_through({.rule = "LONG_COPY"}));
  EXPECT_TRUE(lets_through({.database = "shop", .user = "app"}));
  EXPECT_FALSE(lets_through({.database = "app"}));
  EXPECT_FALSE(lets_through({.user = "shop"}));
  EXPECT_TRUE(lets_through({.fingerprint = "0123456789abcdef"}));
  EXPECT_FALSE(lets_through({.fingerprint = "fedcba9876543210"}));
  EXPECT_TRUE(lets_through({.cause = Cause::blocking_call, .gate = Gate::service}));
  EXPECT_FALSE(lets_through({.cause = Cause::unknown}));
  EXPECT_FALSE(lets_through({.gate = Gate::none}));
}

TEST(IncidentFilter, OfWhatHasNoVerdictKnowsTheCauseUnknownAndNoGate) {
  const Incident incident = sample::resolved_incident();
  EXPECT_TRUE(holds({.cause = Cause::unknown}, incident));
  EXPECT_FALSE(holds({.gate = Gate::none}, incident));
  EXPECT_FALSE(holds({.user = "app"}, incident));
  EXPECT_FALSE(holds({.fingerprint = "0"}, incident));
}

TEST(IncidentFilter, OfTimeIsWhenItWasOpen) {
  const Incident resolved = sample::resolved_incident();
  const std::int64_t end = *resolved.resolved_at_micros;
  EXPECT_TRUE(holds({.since_micros = end}, resolved));
  EXPECT_FALSE(holds({.since_micros = end + 1}, resolved));
  EXPECT_TRUE(holds({.since_micros = end + 1}, sample::incident())) << "it is open still";
  EXPECT_TRUE(holds({.until_micros = resolved.opened_at_micros}, resolved));
  EXPECT_FALSE(holds({.until_micros = resolved.opened_at_micros - 1}, resolved));
}

TEST(Cursor, ReadsBackWhatItWroteAndNothingElse) {
  for (const IncidentPosition& position :
       {IncidentPosition{sample::kNow, "20261122T151003Z-4711"},
        IncidentPosition{-5, "a.b&c=d"},
        IncidentPosition{0, " "}})
    EXPECT_EQ(position_of(cursor_of(position)), position);
  for (const char* foreign : {"", ".", "1", "1.", ".a", "x.a", "1 .a", "99999999999999999999.a"})
    EXPECT_FALSE(position_of(foreign)) << foreign;
}

TEST(Rfc3339, IsReadBackAsItIsWritten) {
  for (const std::int64_t micros : {std::int64_t{0}, std::int64_t{-1}, sample::kNow})
    EXPECT_EQ(parse_rfc3339(rfc3339(micros)), micros);
}

TEST(Rfc3339, HasZonesFractionsAndALeapSecond) {
  const std::int64_t noon = *parse_rfc3339("2026-11-22T12:00:00Z");
  EXPECT_EQ(parse_rfc3339("2026-11-22t13:30:00+01:30"), noon);
  EXPECT_EQ(parse_rfc3339("2026-11-21 23:00:00.000-13:00"), noon);
  EXPECT_EQ(parse_rfc3339("2026-11-22T12:00:00.1234567z"), noon + 123'456);
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2017-01-01T00:00:00Z"));
}

TEST(Rfc3339, IsNothingElse) {
  for (const char* text :
       {"",
        "2026-11-22",
        "2026-11-22T12:00:00",
        "2026-11-22T12:00Z",
        "2026-11-22T12:00:00.Z",
        "2026-11-22T12:00:00Zx",
        "2026-02-29T12:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T12:60:00Z",
        "2026-11-22T12:00:61Z",
        "2026-11-22T12:00:00+24:00",
        "2026-11-22T12:00:00+0100",
        "-026-11-22T12:00:00Z",
        "2026-11-22T 2:00:00Z",
        "20261122T120000Z"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}

}  // namespace
}  // namespace pghang
