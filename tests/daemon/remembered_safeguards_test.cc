#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "collectors/evidence/archive.h"
#include "tests/daemon/memory_fixture.h"

/// What a daemon remembers of its budgets and breakers, over its death and a target's absence.
namespace pghang::tests {
namespace {

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
    row.sighting = kSafeguardsRow;
    row.boot = boot;
    archive::put(row.record, escalation::SavedSafeguards{{spent}, {}});
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

TEST_F(SpentBudget, OfATargetThatWasRemovedCountsWhenItComesBack) {
  auto first = daemon(thrifty());
  first->poll();
  EXPECT_EQ(server_.asked, 1);
  first->monitor->retire("removed");
  const StoredEscalation left = first->monitor->safeguards_left_behind();
  first->die();
  std::filesystem::remove(file_);
  server_.rows = {active(kOther)};
  auto next = daemon(thrifty());
  next->monitor->go_on_with_safeguards({left});
  next->poll();
  EXPECT_EQ(server_.asked, 1);
}

TEST_F(SpentBudget, IsWorthKeepingForAnHour) {
  const auto now = std::chrono::steady_clock::now();
  const auto counts = [&](escalation::SavedSafeguards safeguards) {
    return still_counts(safeguards_row("main", safeguards), now);
  };
  EXPECT_TRUE(counts({{ago(std::chrono::minutes(59))}, {}}));
  EXPECT_FALSE(counts({{ago(std::chrono::minutes(61))}, {}}));
  escalation::SavedBreaker closed;
  closed.matches = 3;
  EXPECT_FALSE(counts({{}, {closed}}));
  escalation::SavedBreaker open;
  open.open = escalation::SavedOpenBreaker{};
  EXPECT_TRUE(counts({{}, {open}}));
}

/// Opens when more than two match.
Settings with_breaker() {
  Settings settings = patient();
  settings.breaker.jump = 2;
  settings.breaker.jump_percent = 1;
  return settings;
}

using RememberedBreaker = Memory;

TEST_F(RememberedBreaker, ThatWasOpenIsOpenForTheNextDaemon) {
  for (int pid : {1, 2, 3})
    server_.rows.push_back(active({pid, PgTimestamp{1000}}));
  auto first = daemon(with_breaker());
  first->poll();
  ASSERT_TRUE(first->view.targets[0].breakers[0].open);
  first->die();
  server_.rows = {active(kStuck)};
  auto next = daemon(with_breaker());
  next->poll();
  EXPECT_TRUE(next->view.targets[0].breakers[0].open);
  EXPECT_EQ(server_.asked, 0);
  EXPECT_EQ(next->view.targets[0].backends[0].suppressed, "breaker_open");
  EXPECT_EQ(next->monitor->reset_breakers(""), std::vector<std::string>{"stuck"});
  next->die();
  auto last = daemon(with_breaker());
  last->poll();
  EXPECT_FALSE(last->view.targets[0].breakers[0].open) << "the reset is remembered";
  EXPECT_EQ(server_.asked, 1);
}

TEST_F(RememberedBreaker, IsOnTheDiskBeforeTheServerAnsweredTheNextDaemon) {
  for (int pid : {1, 2, 3})
    server_.rows.push_back(active({pid, PgTimestamp{1000}}));
  auto first = daemon(with_breaker());
  first->poll();
  first->die();
  server_.poll_error = Error{Errc::disconnected, "away"};
  auto next = daemon(with_breaker());
  next->poll();
  EXPECT_EQ(next->monitor->reset_breakers(""), std::vector<std::string>{"stuck"});
  next->die();
  server_.poll_error.reset();
  auto last = daemon(with_breaker());
  last->poll();
  EXPECT_FALSE(last->view.targets[0].breakers[0].open);
  EXPECT_EQ(last->view.incidents.size(), 4U) << "the escalations were left as they were";
}

TEST_F(RememberedBreaker, IsNotWrittenWithEachPoll) {
  auto first = daemon(with_breaker());
  first->poll();
  first->poll();
  EXPECT_TRUE(first->wait(first->store->written(std::chrono::seconds(10))));
  const auto row_of_breaker = [&] {
    const auto rows = StoreFile::open_to_read(file_)->load(100)->escalations;
    return std::ranges::find(rows, kSafeguardsRow, &StoredEscalation::sighting)->record;
  };
  const std::string before = row_of_breaker();
  first->poll();
  EXPECT_TRUE(first->wait(first->store->written(std::chrono::seconds(10))));
  EXPECT_EQ(row_of_breaker(), before);
}

TEST_F(SpentBudget, ThatComesLateCountsFromThenOn) {
  auto next = daemon(thrifty());
  next->monitor->go_on_with_safeguards({spent_row(ago(std::chrono::minutes(1)), boot_id(), "main")}
  );
  next->poll();
  EXPECT_EQ(server_.asked, 0);
}

}  // namespace
}  // namespace pghang::tests
