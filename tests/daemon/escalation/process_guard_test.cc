#include "daemon/escalation/process_guard.h"

#include <functional>

#include <gtest/gtest.h>

#include "tests/daemon/escalation/survey_builders.h"

namespace pghang::escalation {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the builders of this folder

/// The numbers of PostgreSQL 15's wait events: WAIT_EVENT_SYNC_REP is IPC's, BgWriterMain's is
/// none.
constexpr std::uint32_t kIpc = 0x08000000;
constexpr std::uint32_t kClientRead = 0x06000000;

Rule by_age() {
  Rule rule;
  rule.name = "stuck";
  rule.match.state.include = {exact("active")};
  rule.match.query_age = seconds(1);
  rule.action = RuleAction::terminate;
  rule.cancel_grace = seconds(30);
  rule.terminate_grace = seconds(30);
  return rule;
}

SightingState matched() {
  SightingState state;
  state.id = 1;
  state.stage = Stage::matched;
  state.activity = running();
  return state;
}

std::optional<ProcessSeen> see(const SurveyedProcess& process, const Rule& rule = by_age()) {
  return see_process(matched(), rule, survey_of({process}), true);
}

TEST(ProcessGuard, TheSameTimestampsAreTheSameStatement) {
  const auto seen = see(process_of_running(running()));
  ASSERT_TRUE(seen);
  EXPECT_TRUE(seen->present);
  EXPECT_TRUE(seen->same_statement);
  EXPECT_EQ(seen->hindrance, std::nullopt);
}

TEST(ProcessGuard, AnyOtherTimestampIsAnotherStatement) {
  const std::vector<std::function<void(SessionStamps&)>> changes{
      [](SessionStamps& stamps) { stamps.xact_start->micros++; },
      [](SessionStamps& stamps) { stamps.query_start->micros++; },
      [](SessionStamps& stamps) { stamps.state_change->micros++; },
      [](SessionStamps& stamps) {
        stamps.xact_start.reset();
      }};
  for (const auto& change : changes) {
    SurveyedProcess process = process_of_running(running());
    change(*process.stamps);
    EXPECT_FALSE(see(process)->same_statement);
  }
}

TEST(ProcessGuard, AnotherBackendOfTheSamePidIsNotIt) {
  SurveyedProcess process = process_of_running(running());
  process.stamps->backend_start.micros++;
  EXPECT_FALSE(see(process)->present);
}

TEST(ProcessGuard, WithoutStampsItIsKnownByItsStartAndItsStatementIsNot) {
  SurveyedProcess process = process_of_running(running());
  process.stamps.reset();
  EXPECT_TRUE(see(process)->present);
  EXPECT_FALSE(see(process)->same_statement);
  process.started_at_micros += kSameStartMicros + 1;
  EXPECT_FALSE(see(process)->present);
}

TEST(ProcessGuard, WhoIsNotSeenIsGoneOnlyWhereAllWereSeen) {
  ServerSurvey survey = survey_of({});
  EXPECT_FALSE(see_process(matched(), by_age(), survey, true)->present);
  survey.all_alive_known = false;
  EXPECT_EQ(see_process(matched(), by_age(), survey, true), std::nullopt);
  survey = survey_of({});
  survey.alive.push_back({4711, 2000});
  EXPECT_EQ(see_process(matched(), by_age(), survey, true), std::nullopt) << "not listed";
}

TEST(ProcessGuard, NothingMayBeSignalledUnlessTheSettingsSay) {
  const auto seen =
      see_process(matched(), by_age(), survey_of({process_of_running(running())}), false);
  EXPECT_EQ(seen->hindrance, "without_sql");
}

TEST(ProcessGuard, ACommitThatWaitsForAStandbyIsExempt) {
  SurveyedProcess process = process_of_running(running());
  bool found = false;
  for (std::uint32_t event = 0; event < 100; ++event) {
    process.process.sample.flags.wait_event_info = kIpc | event;
    found = found || see(process)->hindrance == "sync_rep";
  }
  EXPECT_TRUE(found);
}

TEST(ProcessGuard, AWaitWithoutANameMayBeThat) {
  SurveyedProcess process = process_of_running(running());
  process.process.sample.flags.wait_event_info = kIpc | 0xffff;
  EXPECT_EQ(see(process)->hindrance, "undecided_without_sql");
  process.process.sample.flags.wait_event_info.reset();
  EXPECT_EQ(see(process)->hindrance, "undecided_without_sql") << "before 14 memory does not say";
  process.process.sample.flags.wait_event_info = kClientRead;
  EXPECT_EQ(see(process)->hindrance, std::nullopt);
}

TEST(ProcessGuard, ACriterionThatMayHaveCeasedHindersTheFirstSignalOnly) {
  Rule rule = by_age();
  rule.match.wait_event.include = {exact("DataFileRead")};
  const SurveyedProcess process = process_of_running(running());
  EXPECT_EQ(see(process, rule)->hindrance, "undecided_without_sql");
  SightingState sent = matched();
  sent.stage = Stage::cancel_sent;
  EXPECT_EQ(see_process(sent, rule, survey_of({process}), true)->hindrance, std::nullopt);
}

TEST(ProcessGuard, APendingTerminateIsSeen) {
  SurveyedProcess process = process_of_running(running());
  EXPECT_FALSE(see(process)->terminate_pending);
  process.process.sample.flags.proc_die_pending = 1;
  EXPECT_TRUE(see(process)->terminate_pending);
}

}  // namespace
}  // namespace pghang::escalation
