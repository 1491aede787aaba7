#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "collectors/evidence/archive.h"
#include "daemon/chronicle.h"
#include "daemon/escalation_memory.h"
#include "daemon/incident_store.h"
#include "daemon/logger.h"
#include "daemon/target_monitor.h"
#include "exporters/store/store_file.h"
#include "tests/daemon/monitor_fixture.h"

/// A monitor with a store, and the next daemon's monitor over the same file.
namespace pghang {
namespace {

using escalation::SignalAnswer;
using escalation::SignalKind;
using std::chrono::milliseconds;
using tests::active;
using tests::kStuck;

/// Graces of an hour: nothing becomes due while a test runs.
Settings patient() {
  Settings settings = tests::enforcing();
  settings.rules[0].cancel_grace = std::chrono::hours(1);
  settings.rules[0].terminate_grace = std::chrono::hours(1);
  return settings;
}

/// All of a daemon that matters here.
struct Daemon {
  boost::asio::io_context loop{1};
  View view;
  Metrics metrics{"test"};
  Logger log{LogLevel::error, LogFormat::logfmt};
  Chronicle chronicle{view, metrics, log, Incidents{}, [] {
                        return wall_clock_micros();
                      }};
  std::unique_ptr<IncidentStore> store;
  std::unique_ptr<TargetMonitor> monitor;

  Daemon(fakes::FakeServer& server, const std::string& file, const Settings& settings) {
    store = std::make_unique<IncidentStore>(
        loop.get_executor(),
        file,
        settings.store,
        100,
        IncidentStore::Handlers{
            [](const StoreNews& news) { ADD_FAILURE() << news.words; },
            [](const StoreContents&) { ADD_FAILURE() << "late"; },
            [] {
              ADD_FAILURE() << "begun anew";
            }}
    );
    monitor = std::make_unique<TargetMonitor>(
        "main",
        settings,
        server,
        server,
        server,
        chronicle,
        [](const escalation::CaptureOrder&) {}
    );
    std::optional<StoreContents> contents = wait(store->load(std::chrono::seconds(10)));
    EXPECT_TRUE(contents);
    chronicle.keep_in(*store);
    if (!contents) return;
    chronicle.take_up(std::move(contents->incidents));
    monitor->remember_in(*store, std::move(contents->escalations));
  }

  template <typename T>
  T wait(boost::asio::awaitable<T> work) {
    std::optional<T> result;
    loop.restart();
    boost::asio::co_spawn(loop, std::move(work), [&](const std::exception_ptr&, T value) {
      result = std::move(value);
    });
    while (!result)
      loop.run_one();
    return std::move(*result);
  }

  void poll() { (void)wait(monitor->poll_once()); }

  /// As SIGKILL does it, but for what is on its way to the disk.
  void die() {
    EXPECT_TRUE(wait(store->written(std::chrono::seconds(10))));
    monitor.reset();
    store.reset();
  }
};

class Memory : public testing::Test {
 protected:
  Memory() {
    std::string name = testing::TempDir() + "pghang-memory-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ / "pghangd.db";
    server_.rows = {active(kStuck)};
  }

  ~Memory() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::unique_ptr<Daemon> daemon(const Settings& settings = patient()) {
    return std::make_unique<Daemon>(server_, file_, settings);
  }

  /// Between a signal and its answer: what is on the disk in that moment is what is left.
  void die_while_sending(std::unique_ptr<Daemon> first, const std::string& copy) {
    server_.before_delivery = [&] {
      std::filesystem::copy_file(file_, copy);
      std::filesystem::copy_file(file_ + "-wal", copy + "-wal");
    };
    first->poll();
    server_.before_delivery = [] {
    };
    first->die();
    file_ = copy;
  }

  [[nodiscard]] std::vector<SignalRecord> signals() const {
    return *StoreFile::open_to_read(file_)->signals({});
  }

  /// Without the budget's.
  [[nodiscard]] std::vector<StoredEscalation> escalations() const {
    std::vector<StoredEscalation> rows = StoreFile::open(file_)->load(100)->escalations;
    std::erase_if(rows, [](const StoredEscalation& row) { return row.sighting == kBudgetRow; });
    return rows;
  }

  std::filesystem::path folder_;
  std::string file_;
  fakes::FakeServer server_;
};

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

TEST_F(Memory, ASignalThatMayHaveBeenSentIsNotSentAgain) {
  const std::string copy = folder_ / "copy.db";
  const Settings impatient = tests::enforcing();  // graces of zero: what is due is due at once
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

/// One signal an hour, and enough of all else.
Settings thrifty() {
  Settings settings = patient();
  settings.budget = {
      .actions_per_minute = 100,
      .actions_per_hour = 1,
      .share_percent = 100,
      .unresponsive = 100};
  return settings;
}

constexpr BackendKey kOther{4712, PgTimestamp{1000}};

class SpentBudget : public Memory {
 protected:
  SpentBudget() { server_.counts = {{"active", 100}}; }

  /// Leaves the record of one signal behind.
  void
  leave(escalation::Moment spent, const std::string& boot, const std::string& target = "main") {
    StoreChanges changes;
    changes.put(spent_row(spent, boot, target));
    EXPECT_TRUE(StoreFile::open(file_)->apply(changes));
  }

  [[nodiscard]] static StoredEscalation
  spent_row(escalation::Moment spent, const std::string& boot, const std::string& target) {
    StoredEscalation row;
    row.target = target;
    row.sighting = kBudgetRow;
    row.boot = boot;
    archive::put(row.record, escalation::SavedBudget{{spent}});
    return row;
  }

  [[nodiscard]] static escalation::Moment ago(std::chrono::minutes length) {
    return escalation::moment_of(std::chrono::steady_clock::now() - length);
  }

  [[nodiscard]] std::size_t signals_of_the_next_daemon() {
    auto next = daemon(thrifty());
    for (int i = 0; i < 3; ++i)
      next->poll();
    next->die();
    return static_cast<std::size_t>(server_.asked);
  }
};

TEST_F(SpentBudget, IsSpentForTheNextDaemonsToo) {
  EXPECT_EQ(signals_of_the_next_daemon(), 1U);
  server_.rows = {active(kOther)};
  EXPECT_EQ(signals_of_the_next_daemon(), 1U);
  EXPECT_EQ(signals_of_the_next_daemon(), 1U) << "it was not forgotten by the one between";
}

TEST_F(SpentBudget, IsOnTheDiskBeforeTheSignalLeaves) {
  const std::string copy = folder_ / "copy.db";
  die_while_sending(daemon(thrifty()), copy);
  server_.rows = {active(kOther)};
  EXPECT_EQ(signals_of_the_next_daemon(), 1U);
}

TEST_F(SpentBudget, IsItsTargetsWhicheverServerAnswers) {
  EXPECT_EQ(signals_of_the_next_daemon(), 1U);
  server_.server.system_identifier = "7000000000000000002";
  EXPECT_EQ(signals_of_the_next_daemon(), 1U);
}

TEST_F(SpentBudget, EndsAnHourLaterByTheClockOfThisBoot) {
  leave(ago(std::chrono::minutes(59)), boot_id());
  EXPECT_EQ(signals_of_the_next_daemon(), 0U);
  leave(ago(std::chrono::minutes(61)), boot_id());
  EXPECT_EQ(signals_of_the_next_daemon(), 1U);
}

TEST_F(SpentBudget, OfAnotherBootIsTakenForSpentJustNow) {
  leave(ago(std::chrono::minutes(61)), "another");
  EXPECT_EQ(signals_of_the_next_daemon(), 0U);
}

TEST_F(SpentBudget, OfAnotherTargetDoesNotCount) {
  leave(ago(std::chrono::minutes(1)), boot_id(), "other");
  EXPECT_EQ(signals_of_the_next_daemon(), 1U);
}

TEST_F(SpentBudget, IsForgottenAnHourLater) {
  server_.rows.clear();
  leave(ago(std::chrono::minutes(61)), boot_id());
  EXPECT_EQ(signals_of_the_next_daemon(), 0U);
  EXPECT_TRUE(StoreFile::open(file_)->load(100)->escalations.empty());
}

TEST_F(SpentBudget, ThatComesLateCountsFromThenOn) {
  auto next = daemon(thrifty());
  next->monitor->count_spent({spent_row(ago(std::chrono::minutes(1)), boot_id(), "main")});
  next->poll();
  EXPECT_EQ(server_.asked, 0);
}

}  // namespace
}  // namespace pghang
