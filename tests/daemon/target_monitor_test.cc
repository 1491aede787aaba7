#include "daemon/target_monitor.h"

#include <csignal>

#include <gtest/gtest.h>

#include "daemon/chronicle.h"
#include "daemon/logger.h"
#include "tests/daemon/run_awaitable.h"
#include "tests/fakes/fake_server.h"

namespace pghang {
namespace {

using escalation::SignalKind;

constexpr BackendKey kStuck{4711, PgTimestamp{1000}};

Activity active(BackendKey key) {
  Activity row;
  row.key = key;
  row.backend_type = "client backend";
  row.state = "active";
  row.user = "app";
  row.xact_start = PgTimestamp{2000};
  row.query_start = PgTimestamp{2000};
  row.state_change = PgTimestamp{2000};
  row.query_age = Micros(60'000'000);
  row.query = "SELECT 'secret'";
  return row;
}

Settings enforcing() {
  Settings settings = default_settings();
  settings.mode = Mode::enforce;
  Rule rule;
  rule.name = "stuck";
  rule.match.state.include = {Pattern{"active", false}};
  rule.match.query_age = Duration(1000);
  rule.action = RuleAction::terminate;
  rule.cancel_grace = Duration(0);
  rule.terminate_grace = Duration(0);
  settings.rules = {rule};
  return settings;
}

/// A monitor over a fake server; time passes between polls because graces are zero.
class Monitor : public ::testing::Test {
 protected:
  fakes::FakeServer server_;
  View view_;
  Metrics metrics_{"test"};
  Logger log_{LogLevel::error, LogFormat::logfmt};
  Chronicle chronicle_{view_, metrics_, log_, Incidents{}, [] {
                         return std::int64_t{1'000'000};
                       }};
  std::vector<escalation::CaptureOrder> captures_;
  TargetMonitor monitor_{
      "main",
      enforcing(),
      server_,
      server_,
      server_,
      chronicle_,
      [this](const escalation::CaptureOrder& order) {
        captures_.push_back(order);
      }};

  void poll() { tests::run(monitor_.poll_once()); }

  [[nodiscard]] const Incident& incident() const { return view_.incidents.front(); }
};

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
