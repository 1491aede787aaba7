#include <utility>

#include "tests/daemon/monitor_fixture.h"

/// What a monitor finds out for rules that the poll alone does not decide, and what it leaves
/// alone.
namespace pghang {
namespace {

using tests::active;
using tests::enforcing;
using tests::kStuck;
using tests::run;

class Facts : public tests::Monitor {
 protected:
  std::vector<BackendKey> looks_;
  Settings settings_ = enforcing();

  /// Polls with a monitor whose only rule has these criteria besides.
  template <typename Change>
  TargetMonitor monitor_of(Change change) {
    change(settings_.rules.front().match);
    return {
        "main",
        settings_,
        server_,
        server_,
        server_,
        chronicle_,
        [this](const escalation::CaptureOrder& order) { captures_.push_back(order); },
        [this](const BackendKey& backend) {
          looks_.push_back(backend);
        }};
  }

  void let_wait(pid_t pid) {
    LockWait wait;
    wait.waiter = pid;
    wait.blockers = {kStuck.pid};
    wait.object = "relation/5/16389";
    server_.lock_snapshot.waits.push_back(wait);
    ++server_.lock_snapshot.waiters;
  }

  static Capture look(std::int64_t die_pending) {
    Capture capture;
    capture.key = ProcessKey{kStuck.pid, 1};
    Sample& sample = capture.samples.emplace_back();
    sample.state = ProcessState::sleeping;
    sample.io = IoCounters{};
    sample.flags.proc_die_pending = die_pending;
    return capture;
  }
};

TEST_F(Facts, LocksAreAskedForOnceInAPollWhereARuleNeedsThem) {
  TargetMonitor monitor = monitor_of([](Match& match) { match.blocking_at_least = 2; });
  server_.rows = {active(kStuck)};
  let_wait(81);
  run(monitor.poll_once());
  EXPECT_EQ(server_.lock_questions.size(), 1U);
  EXPECT_TRUE(server_.delivered.empty());
  let_wait(82);
  run(monitor.poll_once());
  EXPECT_EQ(server_.lock_questions.size(), 2U) << "not again for the wait graph";
  ASSERT_EQ(server_.delivered.size(), 1U);
  EXPECT_EQ(server_.delivered[0].second, kStuck);
}

TEST_F(Facts, NothingIsFoundOutForBackendsOfWhichSomethingElseDoesNotHold) {
  TargetMonitor monitor = monitor_of([](Match& match) {
    match.blocking_at_least = 1;
    match.not_advancing = Duration(0);
    match.user.include = {Pattern{"other", false}};
  });
  server_.rows = {active(kStuck)};
  let_wait(81);
  run(monitor.poll_once());
  EXPECT_TRUE(server_.lock_questions.empty());
  EXPECT_TRUE(looks_.empty());
}

TEST_F(Facts, LocksThatAreNotAnsweredAreNotKnown) {
  TargetMonitor monitor = monitor_of([](Match& match) { match.blocking_at_least = 1; });
  server_.rows = {active(kStuck)};
  let_wait(81);
  server_.lock_error = Error{Errc::refused, "canceling statement due to statement timeout"};
  run(monitor.poll_once());
  EXPECT_TRUE(server_.delivered.empty());
  server_.lock_error.reset();
  run(monitor.poll_once());
  EXPECT_TRUE(server_.delivered.empty()) << "the statement backs off, and an old answer is none";
}

TEST_F(Facts, ALookIsOrderedAndLaterPollsHaveWhatItSaw) {
  TargetMonitor monitor =
      monitor_of([](Match& match) { match.terminate_ignored_for = Duration(0); });
  server_.rows = {active(kStuck)};
  run(monitor.poll_once());
  ASSERT_EQ(looks_, std::vector<BackendKey>{kStuck});
  EXPECT_TRUE(server_.delivered.empty());
  monitor.looked(kStuck, look(0));
  run(monitor.poll_once());
  EXPECT_TRUE(server_.delivered.empty());
  monitor.looked(kStuck, look(1));
  run(monitor.poll_once());
  EXPECT_EQ(server_.delivered.size(), 1U);
  EXPECT_TRUE(server_.lock_questions.size() <= 1U) << "only for the wait graph of the match";
}

TEST_F(Facts, ALookThatFailedIsNotKnown) {
  TargetMonitor monitor =
      monitor_of([](Match& match) { match.terminate_ignored_for = Duration(0); });
  server_.rows = {active(kStuck)};
  run(monitor.poll_once());
  monitor.looked(kStuck, look(1));
  monitor.looked(kStuck, Error{Errc::timeout, "the capture took longer than its deadline"});
  run(monitor.poll_once());
  EXPECT_TRUE(server_.delivered.empty());
}

TEST_F(Facts, ASignalFollowsTheEndOfTheCaptureAheadOfIt) {
  settings_.rules.front().capture = {CaptureMoment::before_cancel};
  TargetMonitor monitor = monitor_of([](Match&) {});
  server_.rows = {active(kStuck)};
  run(monitor.poll_once());
  ASSERT_EQ(captures_.size(), 1U);
  run(monitor.poll_once());
  EXPECT_TRUE(server_.delivered.empty());
  monitor.capture_done(captures_[0], Error{Errc::timeout, "too slow"}, std::chrono::seconds(2));
  run(monitor.poll_once());
  ASSERT_EQ(server_.delivered.size(), 1U);
  EXPECT_EQ(server_.delivered[0].first, escalation::SignalKind::cancel);
}

}  // namespace
}  // namespace pghang
