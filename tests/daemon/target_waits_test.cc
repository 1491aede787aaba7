#include "tests/daemon/monitor_fixture.h"

/// When a monitor asks who waits for whom, and what it makes of the answer.
namespace pghang {
namespace {

using tests::active;
using tests::kStuck;

class Waiting : public tests::Monitor {
 protected:
  /// Somebody who waits for a lock of the stuck one.
  void let_wait(pid_t pid) {
    LockWait wait;
    wait.waiter = pid;
    wait.blockers = {kStuck.pid};
    wait.object = "relation/5/16389";
    server_.lock_snapshot.waits.push_back(wait);
    ++server_.lock_snapshot.waiters;
  }

  [[nodiscard]] std::optional<std::size_t> blocked() const {
    return view_.targets.front().blocked_backends;
  }

  void poll_until_unresponsive() {
    for (int i = 0; i < 3; ++i)
      poll();
    ASSERT_EQ(incident().stage, Stage::unresponsive);
  }
};

TEST_F(Waiting, NothingIsAskedWhileNobodyIsMatched) {
  poll();
  EXPECT_TRUE(server_.lock_questions.empty());
  EXPECT_EQ(blocked(), 0U);
}

TEST_F(Waiting, MatchedOnesAreAskedAboutFirst) {
  server_.rows = {active(kStuck)};
  poll();
  ASSERT_EQ(server_.lock_questions.size(), 1U);
  EXPECT_EQ(server_.lock_questions[0], std::vector<pid_t>{kStuck.pid});
}

TEST_F(Waiting, ThoseBehindAnUnresponsiveOneAreCountedAndInItsIncident) {
  server_.rows = {active(kStuck)};
  let_wait(81);
  let_wait(82);
  poll();
  EXPECT_EQ(blocked(), 0U) << "it is not unresponsive yet";
  ASSERT_NE(incident().wait_graph, nullptr);
  poll_until_unresponsive();
  EXPECT_EQ(blocked(), 2U);
  EXPECT_EQ(incident().wait_graph->root, "pid:4711");
  EXPECT_NE(incident().wait_graph->summary.find("2 backends wait behind"), std::string::npos);
}

TEST_F(Waiting, GraphGoesWithTheLastWaiter) {
  server_.rows = {active(kStuck)};
  let_wait(81);
  poll();
  server_.lock_snapshot = {};
  poll();
  EXPECT_EQ(incident().wait_graph, nullptr);
}

TEST_F(Waiting, CaptureMakesTheGraphAnew) {
  server_.rows = {active(kStuck)};
  let_wait(81);
  poll_until_unresponsive();
  Capture capture;
  capture.key = ProcessKey{kStuck.pid, 1};
  capture.postgres = true;
  Sample sample;
  sample.state = ProcessState::stopped;
  capture.samples = {sample};
  monitor_.capture_done(captures_.front(), capture, std::chrono::milliseconds(1));
  EXPECT_EQ(incident().wait_graph->summary, "1 backend waits behind pid 4711, which is stopped.");
  EXPECT_EQ(incident().wait_graph->release, incident().verdict->release);
}

TEST_F(Waiting, FailureIsCountedAndHurtsNeitherThePollNorTheEscalation) {
  server_.rows = {active(kStuck)};
  server_.lock_error = Error{Errc::refused, "canceling statement due to statement timeout"};
  poll_until_unresponsive();
  EXPECT_TRUE(view_.targets.front().up);
  EXPECT_EQ(server_.delivered.size(), 2U);
  EXPECT_EQ(blocked(), std::nullopt) << "not known is not 0";
  const std::string metrics = metrics_.render(view_, 0);
  EXPECT_NE(
      metrics.find(R"(pghangd_lock_statements_total{result="refused",target="main"} 1)"),
      std::string::npos
  );
  EXPECT_NE(
      metrics.find(R"(pghangd_lock_statements_total{result="backed_off",target="main"} 2)"),
      std::string::npos
  );
}

TEST_F(Waiting, AnExpensiveAnswerIsUsedAndNotAskedForAgainAtOnce) {
  server_.rows = {active(kStuck)};
  let_wait(81);
  server_.lock_snapshot.server_time = std::chrono::milliseconds(81);
  poll_until_unresponsive();
  EXPECT_EQ(server_.lock_questions.size(), 1U);
  EXPECT_EQ(blocked(), 1U);
}

TEST_F(Waiting, AnotherSessionAtTheSamePidHasNoPartInTheGraph) {
  server_.rows = {active(kStuck)};
  poll();
  let_wait(81);
  server_.rows = {active(BackendKey{kStuck.pid, PgTimestamp{9999}})};
  poll();
  for (const Incident& one : view_.incidents) {
    if (one.backend != kStuck) continue;
    EXPECT_EQ(one.wait_graph, nullptr);
  }
}

}  // namespace
}  // namespace pghang
