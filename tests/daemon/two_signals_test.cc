#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "collectors/evidence/archive.h"
#include "tests/daemon/escalation/survey_builders.h"
#include "tests/daemon/memory_fixture.h"
#include "tests/fakes/fake_processes.h"

namespace pghang::tests {
namespace {

using escalation::SignalAnswer;
using escalation::SignalKind;

constexpr BackendKey kOther{4712, PgTimestamp{1000}};

/// One signal goes by SQL while another one is on its way without it.
class TwoSignals : public Memory {
 protected:
  static Settings both_ways() {
    Settings settings = enforcing();
    settings.signal_without_sql = true;
    settings.budget.share_percent = 100;
    settings.rules[0].terminate_grace = std::chrono::hours(1);
    return settings;
  }

  /// A cancel was accepted, and then SQL is lost: the terminate is due without it.
  [[nodiscard]] std::unique_ptr<Daemon> cancelled_and_without_sql() {
    server_.counts = {{"active", 100}};
    auto first = daemon(both_ways());
    first->monitor->watch_processes_with(processes_);
    first->poll();
    EXPECT_EQ(server_.asked, static_cast<int>(server_.rows.size()));
    server_.poll_error = Error{Errc::start_up_timeout, "does not answer"};
    first->poll();
    std::vector<SurveyedProcess> all;
    for (const Activity& row : server_.rows)
      all.push_back(escalation::testing::process_of_running(row));
    processes_.answer = escalation::testing::survey_of(all);
    return first;
  }

  static void look(Daemon& daemon) {
    (void)daemon.wait([](TargetMonitor& monitor) -> boost::asio::awaitable<bool> {
      co_await monitor.look_at_processes({.server_process = escalation::testing::kPostmaster.pid});
      co_return true;
    }(*daemon.monitor));
  }

  fakes::FakeProcesses processes_;
};

TEST_F(TwoSignals, AreBothKnownToHaveBeenOnTheirWay) {
  const std::string copy = folder_ / "copy.db";
  auto first = cancelled_and_without_sql();
  processes_.during_signal = [&] {
    server_.poll_error.reset();
    server_.rows.push_back(active(kOther));
    first->poll();
    EXPECT_EQ(server_.delivered.back().second, kOther) << "SQL works again, and is used";
    EXPECT_TRUE(first->wait(first->store->written(std::chrono::seconds(10))));
    std::filesystem::copy_file(file_, copy);
    std::filesystem::copy_file(file_ + "-wal", copy + "-wal");
  };
  look(*first);
  ASSERT_EQ(processes_.signalled.size(), 1U);
  first->die();
  file_ = copy;
  const auto rows = escalations();
  const auto terminated = std::ranges::find(rows, 1U, &StoredEscalation::sighting);
  ASSERT_NE(terminated, rows.end());
  escalation::SavedSighting saved;
  ASSERT_TRUE(archive::get(terminated->record, saved));
  ASSERT_TRUE(saved.machine.under_way) << "the poll's own signal did not take its place";
  EXPECT_EQ(saved.machine.under_way->kind, SignalKind::terminate);
}

TEST_F(TwoSignals, TheOneWithoutSqlIsNotSentOnceSqlAnswers) {
  server_.rows.push_back(active(kOther));
  auto first = cancelled_and_without_sql();
  processes_.during_signal = [&] {
    server_.poll_error.reset();
    for (Activity& row : server_.rows)
      row.query_start->micros++;  // both are another statement by now
    server_.scripted_reply = SignalReply{SignalAnswer::refused, "not yours", {}};
    first->poll();
  };
  look(*first);
  EXPECT_EQ(processes_.signalled.size(), 1U) << "the second one was decided before SQL came back";
  first->die();
  for (const SignalRecord& one : signals())
    EXPECT_NE(one.answer, "ordered") << "nothing is left in doubt";
}

}  // namespace
}  // namespace pghang::tests
