#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/daemon/memory_fixture.h"

/// What a daemon remembers of escalations, over its death.
namespace pghang::tests {
namespace {

TEST_F(Memory, TheNextDaemonGoesOnUnderTheSameIncident) {
  auto first = daemon();
  first->poll();
  const std::string id = first->view.incidents.front().id;
  first->die();
  auto next = daemon();
  ASSERT_EQ(next->view.incidents.size(), 1U);
  next->poll();
  ASSERT_EQ(next->view.incidents.size(), 1U);
  const Incident& incident = next->view.incidents.front();
  EXPECT_EQ(incident.id, id);
  EXPECT_EQ(incident.stage, Stage::cancel_sent);
  EXPECT_EQ(incident.timeline.back().note, "pghangd was restarted, and goes on");
  EXPECT_EQ(server_.asked, 1);
  server_.rows.clear();
  next->poll();
  EXPECT_EQ(incident.outcome, Outcome::cancelled);
  next->die();
  EXPECT_TRUE(daemon()->store != nullptr);
}

TEST_F(Memory, ASignalIsWrittenDownBeforeItIsSent) {
  auto first = daemon();
  std::vector<std::string> before;
  server_.before_delivery = [&] {
    for (const SignalRecord& record : signals())
      before.push_back(record.signal + ' ' + record.answer);
  };
  first->poll();
  EXPECT_EQ(before, std::vector<std::string>{"cancel ordered"});
  first->die();
  ASSERT_EQ(signals().size(), 1U);
  const SignalRecord record = signals().front();
  EXPECT_EQ(record.answer, "accepted");
  EXPECT_EQ(record.backend, kStuck);
  EXPECT_EQ(record.user, "app");
  EXPECT_EQ(record.rule, "stuck");
  EXPECT_EQ(record.why, "active, query age 60.0s");
  EXPECT_FALSE(record.incident.empty());
}

TEST_F(Memory, ASignalThatAPauseStopsAtTheLastMomentIsWrittenDownAsWithheld) {
  server_.rows.push_back(active({4712, PgTimestamp{1000}}));
  server_.counts = {{"active", 100}};
  auto first = daemon();
  server_.before_delivery = [&] {
    first->monitor->pause(true);  // between the two
  };
  first->poll();
  server_.before_delivery = [] {
  };
  first->die();
  EXPECT_EQ(server_.asked, 1);
  std::vector<std::string> answers;
  for (const SignalRecord& record : signals())
    answers.push_back(record.answer + ' ' + record.words);
  std::ranges::sort(answers);
  EXPECT_EQ(answers, (std::vector<std::string>{"accepted ", "withheld paused"}));
}

TEST_F(Memory, ASignalThatMayHaveBeenSentIsNotSentAgain) {
  const std::string copy = folder_ / "copy.db";
  const Settings impatient = enforcing();  // graces of zero: what is due is due at once
  die_while_sending(daemon(impatient), copy);
  auto next = daemon(impatient);
  for (int i = 0; i < 5; ++i)
    next->poll();
  EXPECT_EQ(server_.asked, 1);
}

TEST_F(Memory, ASignalThatMayHaveBeenSentIsToldInTheTimeline) {
  const std::string copy = folder_ / "copy.db";
  die_while_sending(daemon(), copy);
  auto next = daemon();
  for (int i = 0; i < 5; ++i)
    next->poll();
  EXPECT_EQ(server_.asked, 1);
  const Incident& incident = next->view.incidents.front();
  EXPECT_EQ(incident.stage, Stage::matched);
  EXPECT_EQ(
      incident.timeline.back().note,
      "pghangd ended while a cancel was on its way: it may have been sent, and is not sent again"
  );
  next->die();
  EXPECT_EQ(signals().front().answer, "ordered");
}

TEST_F(Memory, AnotherServerDoesNotGoOnWithTheEscalationsOfTheLast) {
  auto first = daemon();
  first->poll();
  first->die();
  server_.server.system_identifier = "7000000000000000002";
  auto next = daemon();
  next->poll();
  ASSERT_EQ(next->view.incidents.size(), 2U);
  EXPECT_EQ(next->view.incidents.front().stage, Stage::cancel_sent) << "judged anew";
  const Incident& last = next->view.incidents.back();
  EXPECT_EQ(last.stage, Stage::resolved);
  EXPECT_EQ(last.outcome, Outcome::finished);
  EXPECT_NE(last.timeline.back().note.find("another server"), std::string::npos);
  next->die();
  const auto rows = escalations();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].server, "7000000000000000002");
}

TEST_F(Memory, AServerThatIsAwayAtTheStartIsWaitedFor) {
  auto first = daemon();
  first->poll();
  first->die();
  auto next = daemon();
  server_.poll_error = Error{Errc::disconnected, "away"};
  next->poll();
  EXPECT_EQ(next->view.incidents.front().stage, Stage::cancel_sent) << "still open";
  server_.poll_error.reset();
  next->poll();
  EXPECT_EQ(server_.asked, 1);
  EXPECT_EQ(next->view.incidents.size(), 1U);
}

TEST_F(Memory, WhatIsOverLeavesNoEscalationBehind) {
  auto first = daemon();
  first->poll();
  server_.rows.clear();
  first->poll();
  first->die();
  const auto contents = StoreFile::open(file_)->load(100);
  ASSERT_EQ(contents->incidents.size(), 1U);
  EXPECT_EQ(contents->incidents[0].outcome, Outcome::cancelled);
  EXPECT_TRUE(escalations().empty());
}

TEST_F(Memory, TheQueryIsMaskedOnTheDiskToo) {
  auto first = daemon();
  first->poll();
  first->die();
  std::string bytes;
  const auto contents = StoreFile::open(file_)->load(100);
  for (const StoredEscalation& row : contents->escalations)
    bytes += row.record;
  EXPECT_NE(bytes.find("SELECT"), std::string::npos);
  EXPECT_EQ(bytes.find("secret"), std::string::npos);
}

TEST_F(Memory, AFileOfTheBuildBeforeBreakersWereKeptIsGoneOnWith) {
  std::ofstream(file_, std::ios::binary)
      << std::ifstream(PGHANG_SOURCE_DIR "/tests/fixtures/stores/v1.db", std::ios::binary).rdbuf();
  const auto contents = StoreFile::open(file_)->load(100);
  ASSERT_EQ(contents->escalations.size(), 2U);
  EXPECT_EQ(contents->incidents.size(), 2U);
  EXPECT_EQ(contents->unreadable, 0U);
  const auto safeguards = take_up_safeguards(contents->escalations, "main");
  ASSERT_TRUE(safeguards);
  EXPECT_EQ(safeguards->saved.spent.size(), 2U);
  EXPECT_TRUE(safeguards->saved.breakers.empty());
  const StoredEscalation& row = contents->escalations[1];
  ServerInfo server;
  server.system_identifier = row.server;
  const auto taken = take_up({row}, server);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].saved.machine.stage, Stage::unresponsive);
  EXPECT_EQ(taken[0].saved.refused, "");
}

}  // namespace
}  // namespace pghang::tests
