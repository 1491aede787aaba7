#include "daemon/chronicle/incident_book.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

constexpr std::int64_t kNow = 1'795'360'323'000'000;  // 2026-11-22T15:12:03Z

escalation::SightingState sighting(escalation::SightingId id, pid_t pid) {
  escalation::SightingState state;
  state.id = id;
  state.activity.key = BackendKey{pid, PgTimestamp{1}};
  state.activity.query = "SELECT 'secret'";
  return state;
}

TEST(IncidentBook, AnIdSaysWhenAndWho) {
  EXPECT_EQ(incident_id(kNow, 4711), "20261122T151203Z-4711");
}

TEST(IncidentBook, TwoIncidentsOfOnePidInOneSecondDiffer) {
  std::deque<Incident> incidents;
  IncidentBook book(incidents, Incidents{});
  const std::string first = book.open("main", sighting(1, 4711), kNow).id;
  const std::string second = book.open("main", sighting(2, 4711), kNow).id;
  EXPECT_EQ(second, first + "-2");
  EXPECT_EQ(incidents.front().id, second) << "newest first";
}

TEST(IncidentBook, SightingsOfTwoTargetsDoNotMeet) {
  std::deque<Incident> incidents;
  IncidentBook book(incidents, Incidents{});
  book.open("a", sighting(1, 10), kNow);
  book.open("b", sighting(1, 20), kNow);
  ASSERT_NE(book.find("a", 1), nullptr);
  EXPECT_EQ(book.find("a", 1)->backend.pid, 10);
  EXPECT_EQ(book.find("c", 1), nullptr);
}

TEST(IncidentBook, TheQueryIsMaskedBeforeItIsKept) {
  std::deque<Incident> incidents;
  IncidentBook book(incidents, Incidents{});
  EXPECT_EQ(
      book.open("main", sighting(1, 1), kNow).activity.query.find("secret"),
      std::string::npos
  );
}

TEST(IncidentBook, ARuleTakesOverWhatWasRaisedFromProcForTheSameProcess) {
  std::deque<Incident> incidents;
  IncidentBook book(incidents, Incidents{});
  escalation::SightingState raised = sighting(100, 4711);
  raised.source = Source::os;
  raised.activity.key.backend_start.micros = 2'000'000;
  const std::string id = book.open("main", raised, kNow).id;
  EXPECT_EQ(book.adopt("other", sighting(1, 4711)), nullptr);
  EXPECT_EQ(book.adopt("main", sighting(1, 4712)), nullptr);
  escalation::SightingState later = sighting(1, 4711);
  later.activity.key.backend_start.micros = 6'000'000;
  EXPECT_EQ(book.adopt("main", later), nullptr) << "that pid is another backend's by now";
  Incident* taken = book.adopt("main", sighting(1, 4711));
  ASSERT_NE(taken, nullptr);
  EXPECT_EQ(taken->id, id);
  EXPECT_EQ(taken->backend, sighting(1, 4711).activity.key) << "as SQL says it";
  EXPECT_EQ(book.find("main", 1), taken);
  EXPECT_EQ(book.find("main", 100), nullptr);
}

TEST(IncidentBook, ARuleTakesOverNothingThatIsOverOrAnotherRules) {
  std::deque<Incident> incidents;
  IncidentBook book(incidents, Incidents{});
  book.open("main", sighting(1, 4711), kNow);
  EXPECT_EQ(book.adopt("main", sighting(2, 4711)), nullptr);
  escalation::SightingState raised = sighting(100, 4713);
  raised.source = Source::os;
  book.open("main", raised, kNow).stage = Stage::resolved;
  EXPECT_EQ(book.adopt("main", sighting(3, 4713)), nullptr);
}

TEST(IncidentBook, TrimDropsTheOldestResolvedAndNeverAnOpenOne) {
  std::deque<Incident> incidents;
  IncidentBook book(incidents, Incidents{.keep = 2, .max_bytes = 1U << 30U});
  for (escalation::SightingId id = 1; id <= 5; ++id) {
    Incident& incident = book.open("main", sighting(id, static_cast<pid_t>(id)), kNow);
    if (id != 1) incident.stage = Stage::resolved;
  }
  book.trim();
  ASSERT_EQ(incidents.size(), 3U);
  EXPECT_EQ(incidents[0].backend.pid, 5);
  EXPECT_EQ(incidents[1].backend.pid, 4);
  EXPECT_EQ(incidents[2].backend.pid, 1) << "open";
  EXPECT_EQ(book.find("main", 2), nullptr);
}

TEST(IncidentBook, TrimBoundsMemory) {
  std::deque<Incident> incidents;
  IncidentBook book(incidents, Incidents{.keep = 1000, .max_bytes = 20 * sizeof(Incident)});
  for (escalation::SightingId id = 1; id <= 100; ++id) {
    book.open("main", sighting(id, static_cast<pid_t>(id)), kNow).stage = Stage::resolved;
    book.trim();
  }
  EXPECT_LE(incidents.size(), 20U);
  EXPECT_GE(incidents.size(), 5U);
}

}  // namespace
}  // namespace pghang
