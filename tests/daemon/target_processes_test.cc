#include <csignal>

#include <gtest/gtest.h>

#include "tests/daemon/escalation/survey_builders.h"
#include "tests/daemon/monitor_fixture.h"
#include "tests/fakes/fake_processes.h"

namespace pghang::tests {
namespace {

namespace builders = escalation::testing;

/// A monitor whose server stops answering after it took a cancel.
class Processes : public Monitor {
 protected:
  Processes() { monitor_.watch_processes_with(processes_); }

  void cancel_and_lose_sql(bool signal_without_sql) {
    Settings settings = enforcing();
    settings.signal_without_sql = signal_without_sql;
    monitor_.reconfigure(settings);
    server_.rows = {active(kStuck)};
    poll();
    ASSERT_EQ(incident().stage, Stage::cancel_sent);
    lose_sql();
    processes_.answer = builders::survey_of({builders::process_of_running(active(kStuck))});
  }

  void lose_sql() {
    server_.poll_error = Error{Errc::start_up_timeout, "does not answer"};
    poll();
  }

  void look(ProcessScene scene = {.server_process = builders::kPostmaster.pid}) {
    run(looked(scene));
  }

  [[nodiscard]] boost::asio::awaitable<bool> looked(ProcessScene scene) {
    co_await monitor_.look_at_processes(scene);
    co_return true;
  }

  [[nodiscard]] bool suppressed(const std::string& reason) {
    const std::string text = metrics_.render(view_);
    return text.find("reason=\"" + reason + "\",target=\"main\"} 1") != std::string::npos ||
           text.find("target=\"main\",reason=\"" + reason + "\"} 1") != std::string::npos;
  }

  fakes::FakeProcesses processes_;
};

TEST_F(Processes, AreAskedForOnlyAfterAPoll) {
  look();
  EXPECT_TRUE(processes_.asked.empty());
}

TEST_F(Processes, AreLookedAtSeldomWhileSqlWorksAndEachTimeWhileItDoesNot) {
  processes_.answer = builders::survey_of({});
  poll();
  for (unsigned round = 0; round < 2 * TargetMonitor::kQuietRounds; ++round)
    look();
  EXPECT_EQ(processes_.asked.size(), 2U);
  lose_sql();
  look();
  look();
  EXPECT_EQ(processes_.asked.size(), 4U);
}

TEST_F(Processes, AreKnownByThePostmasterThatWasSeenLast) {
  processes_.answer = builders::survey_of({});
  lose_sql();
  look();
  EXPECT_EQ(processes_.asked[0].postmaster, (ProcessKey{builders::kPostmaster.pid, 0}));
  look({});
  EXPECT_EQ(processes_.asked[1].postmaster, builders::kPostmaster);
  look({.server_process = 555});
  EXPECT_EQ(processes_.asked[2].postmaster, (ProcessKey{555, 0})) << "another one listens";
}

TEST_F(Processes, AreSaidToBeUnknownWhereNothingLeadsToThem) {
  lose_sql();
  look({});
  EXPECT_TRUE(processes_.asked.empty());
  ASSERT_TRUE(view_.targets[0].processes);
  EXPECT_NE(view_.targets[0].processes->summary.find("no process"), std::string::npos);
}

TEST_F(Processes, OfAMatchedBackendGetTheTerminateThatIsDue) {
  cancel_and_lose_sql(true);
  look();
  ASSERT_EQ(processes_.signalled.size(), 1U);
  EXPECT_EQ(processes_.signalled[0].signal, SIGTERM);
  EXPECT_EQ(processes_.signalled[0].process, (ProcessKey{kStuck.pid, 2000}));
  EXPECT_EQ(processes_.signalled[0].postmaster, builders::kPostmaster);
  EXPECT_EQ(incident().stage, Stage::terminate_sent);
  EXPECT_EQ(server_.asked, 1) << "only the cancel went by SQL";
}

TEST_F(Processes, AreNotSignalledUnlessTheSettingsSay) {
  cancel_and_lose_sql(false);
  look();
  EXPECT_TRUE(processes_.signalled.empty());
  EXPECT_EQ(incident().stage, Stage::cancel_sent);
  EXPECT_TRUE(suppressed("without_sql"));
}

TEST_F(Processes, OfAPausedDaemonAreSignalledOnceItGoesOn) {
  cancel_and_lose_sql(true);
  monitor_.pause(true);
  look();
  EXPECT_TRUE(processes_.signalled.empty());
  EXPECT_EQ(incident().stage, Stage::cancel_sent);
  EXPECT_TRUE(suppressed("paused"));
  monitor_.pause(false);
  look();
  EXPECT_EQ(processes_.signalled.size(), 1U);
}

TEST_F(Processes, ASignalWithoutSqlIsSpentFromTheSameBudget) {
  cancel_and_lose_sql(true);
  Settings settings = enforcing();
  settings.signal_without_sql = true;
  settings.budget.actions_per_minute = 1;
  monitor_.reconfigure(settings);
  look();
  EXPECT_TRUE(processes_.signalled.empty()) << "the cancel by SQL was the one of this minute";
  EXPECT_TRUE(suppressed("budget_minute"));
}

TEST_F(Processes, ThatDoSomethingElseAreNotSignalled) {
  cancel_and_lose_sql(true);
  processes_.answer->processes[0].stamps->query_start->micros++;
  look();
  EXPECT_TRUE(processes_.signalled.empty());
  EXPECT_TRUE(suppressed("undecided_without_sql"));
}

TEST_F(Processes, OfALostPostmasterAreNotSignalled) {
  cancel_and_lose_sql(true);
  processes_.answer->postmaster_gone = true;
  look();
  EXPECT_TRUE(processes_.signalled.empty());
}

TEST_F(Processes, AreNotSignalledWhereSqlCameBackDuringTheLook) {
  cancel_and_lose_sql(true);
  processes_.meanwhile = [this] {
    server_.poll_error.reset();
    server_.scripted_reply = SignalReply{escalation::SignalAnswer::refused, "not yours", {}};
    run(monitor_.poll_once());
  };
  look();
  EXPECT_TRUE(processes_.signalled.empty());
}

TEST_F(Processes, ARefusedSignalIsCountedAndIsNoGrace) {
  cancel_and_lose_sql(true);
  processes_.signal_error = Error{Errc::permission_denied, "needs CAP_KILL"};
  look();
  EXPECT_EQ(incident().stage, Stage::cancel_sent);
  EXPECT_NE(metrics_.render(view_).find("outcome=\"refused\""), std::string::npos);
}

TEST_F(Processes, AnIgnoredTerminateThatARuleMatchesLaterIsOneIncident) {
  Settings settings = enforcing();
  settings.mode = Mode::observe;
  monitor_.reconfigure(settings);
  lose_sql();
  SurveyedProcess stuck = builders::process_of_running(active(kStuck));
  stuck.process.sample.flags.proc_die_pending = 1;
  processes_.answer = builders::survey_of({stuck});
  look();
  ASSERT_EQ(view_.incidents.size(), 1U) << "graces are zero";
  EXPECT_EQ(incident().source, Source::os);
  EXPECT_EQ(incident().rule, "terminate_ignored");
  ASSERT_FALSE(captures_.empty());
  EXPECT_EQ(captures_.back().process, (ProcessKey{kStuck.pid, 2000}));
  server_.poll_error.reset();
  server_.rows = {active(kStuck)};
  poll();
  look();
  ASSERT_EQ(view_.incidents.size(), 1U);
  EXPECT_EQ(incident().rule, "stuck");
  ASSERT_EQ(view_.targets[0].backends.size(), 1U);
  EXPECT_EQ(view_.targets[0].backends[0].source, Source::sql);
}

}  // namespace
}  // namespace pghang::tests
