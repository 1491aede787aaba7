#include "daemon/targets/target_monitor.h"

#include <csignal>

#include "tests/daemon/monitor_fixture.h"

namespace pghang {
namespace {

using escalation::SignalKind;
using tests::active;
using tests::kStuck;
using tests::Monitor;

TEST_F(Monitor, CancelsThenTerminatesThenCallsItUnresponsive) {
  server_.rows = {active(kStuck)};
  poll();
  ASSERT_EQ(server_.delivered.size(), 1U);
  EXPECT_EQ(server_.delivered[0], std::pair(SignalKind::cancel, kStuck));
  EXPECT_EQ(incident().stage, Stage::cancel_sent);
  poll();
  ASSERT_EQ(server_.delivered.size(), 2U);
  EXPECT_EQ(server_.delivered[1], std::pair(SignalKind::terminate, kStuck));
  poll();
  EXPECT_EQ(incident().stage, Stage::unresponsive);
  EXPECT_FALSE(captures_.empty());
  server_.rows.clear();
  poll();
  EXPECT_EQ(incident().stage, Stage::resolved);
  EXPECT_EQ(incident().outcome, Outcome::self_resolved);
  EXPECT_EQ(server_.asked, 2);
}

TEST_F(Monitor, APidThatWasReusedBetweenPollAndSignalIsNotHit) {
  server_.rows = {active(kStuck)};
  server_.before_delivery = [this] {
    server_.rows = {active(BackendKey{kStuck.pid, PgTimestamp{9999}})};
  };
  poll();
  EXPECT_EQ(server_.asked, 1);
  EXPECT_TRUE(server_.delivered.empty());
  EXPECT_EQ(incident().outcome, Outcome::superseded);
}

TEST_F(Monitor, APidThatWasReusedDuringTheGraceIsNotTerminated) {
  server_.rows = {active(kStuck)};
  poll();
  ASSERT_EQ(server_.delivered.size(), 1U);
  const BackendKey other{kStuck.pid, PgTimestamp{9999}};
  server_.rows = {active(other)};
  server_.rows[0].query_age = Micros(0);
  poll();
  EXPECT_EQ(server_.delivered.size(), 1U);
  EXPECT_EQ(incident().outcome, Outcome::cancelled);
}

TEST_F(Monitor, AStatementThatChangedAfterTheCancelIsNeverTerminated) {
  server_.rows = {active(kStuck)};
  poll();
  server_.rows[0].query_start = PgTimestamp{3000};
  server_.rows[0].query_age = Micros(0);
  poll();
  poll();
  ASSERT_EQ(server_.delivered.size(), 1U);
  EXPECT_EQ(server_.delivered[0].first, SignalKind::cancel);
  EXPECT_EQ(incident().outcome, Outcome::cancelled);
}

TEST_F(Monitor, ARefusalIsToldInTheServersWords) {
  server_.rows = {active(kStuck)};
  server_.scripted_reply =
      SignalReply{escalation::SignalAnswer::refused, "must be a member of the role", {}};
  for (int i = 0; i < 5; ++i)
    poll();  // refused until it gives up, and still there
  EXPECT_EQ(incident().stage, Stage::matched);
  EXPECT_EQ(server_.asked, 3);
  server_.rows.clear();
  poll();
  EXPECT_EQ(incident().outcome, Outcome::refused);
}

TEST_F(Monitor, AFailedPollKeepsEverySighting) {
  server_.rows = {active(kStuck)};
  poll();
  server_.poll_error = Error{Errc::timeout, "no answer"};
  poll();
  EXPECT_EQ(incident().stage, Stage::cancel_sent);
  EXPECT_FALSE(view_.targets.front().up);
  EXPECT_EQ(view_.targets.front().error, "timeout: no answer");
}

TEST_F(Monitor, AFailoverDropsOpenEscalations) {
  server_.rows = {active(kStuck)};
  poll();
  server_.server.system_identifier = "7000000000000000002";
  server_.rows.clear();
  poll();
  EXPECT_EQ(incident().stage, Stage::resolved);
  EXPECT_EQ(server_.delivered.size(), 1U);
}

TEST_F(Monitor, AnotherTimelineDropsOpenEscalations) {
  server_.server.timeline = 4;
  server_.rows = {active(kStuck)};
  poll();
  server_.server.timeline = 0;  // a standby whose receiver is away knows none
  poll();
  ASSERT_EQ(server_.delivered.size(), 2U);
  server_.server.timeline = 5;
  server_.rows.clear();
  poll();
  EXPECT_EQ(incident().stage, Stage::resolved);
  EXPECT_EQ(incident().outcome, Outcome::finished) << incident().timeline.back().note;
}

TEST_F(Monitor, APauseStopsASignalThatIsOrderedAndNotSentYet) {
  const BackendKey other{4712, PgTimestamp{1000}};
  server_.rows = {active(kStuck), active(other)};
  server_.counts = {{"active", 100}};
  server_.before_delivery = [this] {
    monitor_.pause(true);  // while the first of two is being sent
  };
  poll();
  EXPECT_EQ(server_.asked, 1);
  poll();
  EXPECT_EQ(server_.asked, 1);
  EXPECT_EQ(view_.targets.front().backends.at(1).suppressed, "paused");
  monitor_.pause(false);
  server_.before_delivery = [] {
  };
  poll();
  EXPECT_GE(server_.asked, 3) << "both go on";
}

class FakeEnforcerLock final : public EnforcerLock {
 public:
  LockAnswer answer{false, "pid 99 (pghangd)"};
  int asked = 0;
  int released = 0;

  boost::asio::awaitable<LockAnswer> take() override {
    ++asked;
    co_return answer;
  }

  boost::asio::awaitable<void> release() override {
    ++released;
    co_return;
  }
};

TEST_F(Monitor, AnotherDaemonsLockMakesItObserve) {
  FakeEnforcerLock lock;
  monitor_.share_with_others(lock);
  server_.rows = {active(kStuck)};
  poll();
  poll();
  EXPECT_EQ(server_.asked, 0);
  EXPECT_EQ(lock.asked, 1) << "not with every poll";
  EXPECT_EQ(view_.targets.front().other_daemon, "pid 99 (pghangd)");
  EXPECT_FALSE(view_.targets.front().enforcing);
  EXPECT_EQ(view_.targets.front().backends.at(0).suppressed, "other_daemon");
}

TEST_F(Monitor, ModeObserveLetsTheLockGo) {
  FakeEnforcerLock lock;
  lock.answer = {true, ""};
  monitor_.share_with_others(lock);
  poll();
  EXPECT_TRUE(view_.targets.front().enforcing);
  Settings observing = tests::enforcing();
  observing.mode = Mode::observe;
  monitor_.reconfigure(observing);
  poll();
  EXPECT_EQ(lock.released, 1);
  EXPECT_FALSE(view_.targets.front().enforcing);
  EXPECT_EQ(view_.targets.front().other_daemon, "");
}

TEST_F(Monitor, ACaptureIsDiagnosedAndShownWithAMaskedQuery) {
  server_.rows = {active(kStuck)};
  poll();
  poll();
  poll();
  ASSERT_FALSE(captures_.empty());
  Capture capture;
  capture.key = ProcessKey{kStuck.pid, 1};
  capture.postgres = true;
  Sample sample;
  sample.state = ProcessState::stopped;
  capture.samples = {sample, sample};
  monitor_.capture_done(captures_.front(), capture, std::chrono::milliseconds(1));
  ASSERT_TRUE(incident().verdict);
  EXPECT_EQ(incident().verdict->cause, Cause::stopped);
  EXPECT_EQ(incident().evidence->activity->query.find("secret"), std::string::npos);
  EXPECT_EQ(incident().activity.query.find("secret"), std::string::npos);
}

TEST_F(Monitor, AProcessThatIsNotHereIsSaidSo) {
  server_.rows = {active(kStuck)};
  poll();
  poll();
  poll();
  Capture gone;
  gone.gone = true;
  monitor_.capture_done(captures_.front(), gone, std::chrono::milliseconds(1));
  EXPECT_NE(incident().capture_error.find("another host"), std::string::npos);
}

}  // namespace
}  // namespace pghang
