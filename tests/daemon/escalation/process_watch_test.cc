#include "daemon/escalation/process_watch.h"

#include <gtest/gtest.h>

#include "tests/daemon/escalation/survey_builders.h"

namespace pghang::escalation {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the builders of this folder

const WatchTerms kTerms{
    .cancel_grace = seconds(30),
    .terminate_grace = seconds(60),
    .settle = seconds(2),
    .capture_repeat = seconds(10)};

SurveyedProcess terminated(pid_t pid) {
  SurveyedProcess found = process(pid);
  found.process.sample.flags.proc_die_pending = 1;
  return found;
}

struct Watch {
  ProcessWatch watch;
  WatchScene scene;

  Orders look(int second, const ServerSurvey& survey) {
    return watch.observe(survey, scene, kTerms, at(second));
  }

  [[nodiscard]] std::string raised() const {
    std::string all;
    for (const SightingState* sighting : watch.sightings())
      all += sighting->rule_name + ' ';
    return all;
  }
};

TEST(ProcessWatch, AnIgnoredTerminateIsRaisedAfterItsGraceAndNeverSignalled) {
  Watch one;
  EXPECT_TRUE(one.look(0, survey_of({terminated(7)})).changes.empty());
  EXPECT_TRUE(one.look(59, survey_of({terminated(7)})).changes.empty());
  const Orders orders = one.look(60, survey_of({terminated(7)}));
  ASSERT_EQ(orders.changes.size(), 1U);
  EXPECT_EQ(orders.changes[0].to, Stage::unresponsive);
  EXPECT_EQ(orders.changes[0].sighting.source, Source::os);
  EXPECT_EQ(orders.changes[0].sighting.activity.user, "app");
  EXPECT_TRUE(orders.signals.empty());
  ASSERT_EQ(orders.captures.size(), 1U);
  EXPECT_EQ(orders.captures[0].process, (ProcessKey{7, 2000}));
  EXPECT_EQ(one.raised(), "terminate_ignored ");
}

TEST(ProcessWatch, AServedSignalStartsTheGraceAnew) {
  Watch one;
  one.look(0, survey_of({terminated(7)}));
  one.look(50, survey_of({process(7)}));
  one.look(55, survey_of({terminated(7)}));
  one.look(100, survey_of({terminated(7)}));
  EXPECT_EQ(one.raised(), "");
}

TEST(ProcessWatch, FlagsThatCouldNotBeReadChangeNothing) {
  Watch one;
  one.look(0, survey_of({terminated(7)}));
  SurveyedProcess unread = process(7);
  unread.process.sample.flags = {};
  one.look(30, survey_of({unread}));
  one.look(60, survey_of({terminated(7)}));
  EXPECT_EQ(one.raised(), "terminate_ignored ");
}

TEST(ProcessWatch, AnIgnoredTerminateLastsAsLongAsItsProcess) {
  Watch one;
  one.look(0, survey_of({terminated(7)}));
  one.look(60, survey_of({terminated(7)}));
  one.look(61, survey_of({process(7)}));
  EXPECT_EQ(one.raised(), "terminate_ignored ") << "it may hang in what follows";
  ServerSurvey unsure = survey_of({});
  unsure.all_alive_known = false;
  one.look(62, unsure);
  EXPECT_EQ(one.raised(), "terminate_ignored ");
  const Orders orders = one.look(63, survey_of({}));
  ASSERT_EQ(orders.changes.size(), 1U);
  EXPECT_EQ(orders.changes[0].outcome, Outcome::self_resolved);
}

TEST(ProcessWatch, AnotherProcessOfTheSamePidStartsAnew) {
  Watch one;
  one.look(0, survey_of({terminated(7)}));
  SurveyedProcess reused = terminated(7);
  reused.process.key.start_ticks = 9999;
  one.look(60, survey_of({reused}));
  EXPECT_EQ(one.raised(), "");
}

TEST(ProcessWatch, AStoppedPostmasterIsRaisedAtOnceAndEndsWhenItGoesOn) {
  Watch one;
  one.scene.sql_works = true;
  ServerSurvey survey = survey_of({});
  survey.processes[0].process.sample.state = ProcessState::stopped;
  EXPECT_EQ(one.look(0, survey).changes.size(), 1U);
  EXPECT_EQ(one.raised(), "postmaster_stopped ");
  const Orders orders = one.look(1, survey_of({}));
  ASSERT_EQ(orders.changes.size(), 1U);
  EXPECT_EQ(orders.changes[0].to, Stage::resolved);
}

TEST(ProcessWatch, APostmasterInUninterruptibleSleepThatRunsInBetweenIsHealthy) {
  Watch still;
  Watch moving;
  for (int second = 0; second <= 70; second += 10) {
    ServerSurvey survey = survey_of({});
    Sample& sample = survey.processes[0].process.sample;
    sample.state = ProcessState::uninterruptible;
    sample.voluntary_switches = 5;
    still.look(second, survey);
    sample.voluntary_switches = static_cast<std::uint64_t>(second) + 5;
    moving.look(second, survey);
  }
  EXPECT_EQ(still.raised(), "postmaster_uninterruptible ");
  EXPECT_EQ(moving.raised(), "");
}

TEST(ProcessWatch, WhoOutlivesThePostmasterIsAnOrphanOnceItHadTimeToEnd) {
  Watch one;
  one.look(0, survey_of({process(7)}));
  ServerSurvey lost = survey_of({process(7)});
  lost.postmaster_gone = true;
  lost.processes.pop_back();
  lost.alive.pop_back();
  one.look(1, lost);
  EXPECT_EQ(one.raised(), "");
  one.look(3, lost);
  EXPECT_EQ(one.raised(), "orphan ");
}

TEST(ProcessWatch, OurOwnBackendIsWatchedAlsoWhereSqlWorksAgain) {
  Watch one;
  one.scene = {.sql_works = true, .own_backend = 7, .own_backend_before_micros = 0};
  one.scene.own_backend_before_micros = process(7).started_at_micros;
  one.look(0, survey_of({process(7), terminated(8)}));
  one.look(70, survey_of({process(7), terminated(8)}));
  EXPECT_EQ(one.raised(), "own_backend ");
  Watch reused;
  reused.scene = one.scene;
  SurveyedProcess later = process(7);
  later.started_at_micros += 60'000'000;
  reused.look(0, survey_of({later}));
  reused.look(70, survey_of({later}));
  EXPECT_EQ(reused.raised(), "") << "that pid is another backend's by now";
  EXPECT_FALSE(ProcessWatch::has_own_backend(survey_of({later}), reused.scene));
}

TEST(ProcessWatch, WhomARuleHasMatchedIsForgottenWithoutAWord) {
  Watch one;
  const SurveyedProcess judged = [] {
    SurveyedProcess found = process_of_running(running(7));
    found.process.sample.flags.proc_die_pending = 1;
    return found;
  }();
  one.look(0, survey_of({judged}));
  one.look(60, survey_of({judged}));
  EXPECT_EQ(one.raised(), "terminate_ignored ");
  one.scene.judged = {running(7).key};
  EXPECT_TRUE(one.look(61, survey_of({judged})).changes.empty());
  EXPECT_EQ(one.raised(), "");
}

TEST(ProcessWatch, AnotherPostmasterEndsWhatWasOpen) {
  Watch one;
  one.look(0, survey_of({terminated(7)}));
  one.look(60, survey_of({terminated(7)}));
  ServerSurvey other = survey_of({});
  other.postmaster.start_ticks = 5555;
  EXPECT_EQ(one.look(61, other).changes.size(), 1U);
  EXPECT_TRUE(one.watch.empty());
}

TEST(ProcessWatch, NotMoreThanSoManyAreRaisedAndCapturedAtOnce) {
  Watch one;
  std::vector<SurveyedProcess> many;
  for (pid_t pid = 200; pid < 250; ++pid)
    many.push_back(terminated(pid));
  one.look(0, survey_of(many));
  const Orders orders = one.look(60, survey_of(many));
  EXPECT_EQ(orders.changes.size(), ProcessWatch::kMaxOpen);
  EXPECT_EQ(orders.captures.size(), ProcessWatch::kMaxCapturesPerRound);
  EXPECT_EQ(one.look(61, survey_of(many)).captures.size(), ProcessWatch::kMaxCapturesPerRound);
}

}  // namespace
}  // namespace pghang::escalation
