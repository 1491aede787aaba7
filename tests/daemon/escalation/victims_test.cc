#include "daemon/escalation/victims.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/daemon/escalation/tracker_steps.h"

namespace pghang::escalation {
namespace {

using testing::accept;
using testing::at;
using testing::only_signal;
using testing::pg_time;
using testing::poll_of;
using testing::rule_of;
using testing::running;
using testing::tracker_of;

Rule rule_for(Victims victims, std::vector<GroupColumn> group_by = {}) {
  Rule rule = rule_of(RuleAction::terminate);
  rule.victims = victims;
  rule.group_by = std::move(group_by);
  return rule;
}

Activity started(pid_t pid, int second, const std::string& user = "app") {
  Activity row = running(pid);
  row.query_start = pg_time(second);
  row.user = user;
  return row;
}

/// The pids that the rule applies to.
std::vector<pid_t> victims(const Rule& rule, std::vector<Activity> rows) {
  const ActivitySnapshot poll = poll_of(std::move(rows));
  const auto judged =
      judge_rows(RuleMatcher({rule}), poll, {}, [](const Activity& row, const Rule&) {
        return row.superuser;
      });
  std::vector<pid_t> pids;
  for (std::size_t i = 0; i < judged.size(); ++i)
    if (judged[i].applies()) pids.push_back(poll.rows[i].key.pid);
  return pids;
}

TEST(Victims, AreAllUnlessARuleSaysOtherwise) {
  EXPECT_EQ(
      victims(rule_for(Victims::all), {started(1, 10), started(2, 20)}),
      (std::vector<pid_t>{1, 2})
  );
}

TEST(Victims, TheOldestAndTheNewestAreByTheStartOfTheStatement) {
  const std::vector<Activity> rows{started(1, 20), started(2, 10), started(3, 30)};
  EXPECT_EQ(victims(rule_for(Victims::oldest), rows), std::vector<pid_t>{2});
  EXPECT_EQ(victims(rule_for(Victims::newest), rows), std::vector<pid_t>{3});
}

TEST(Victims, AreChosenInEachGroup) {
  const std::vector<Activity> rows{
      started(1, 20, "a"),
      started(2, 10, "a"),
      started(3, 30, "b"),
      started(4, 40, "b")};
  EXPECT_EQ(
      victims(rule_for(Victims::oldest, {GroupColumn::user}), rows),
      (std::vector<pid_t>{2, 3})
  );
}

TEST(Victims, GroupsDifferInAnyColumnAndNullIsAValue) {
  std::vector<Activity> rows{started(1, 10), started(2, 20), started(3, 30), started(4, 40)};
  rows[1].query_id = 7;
  rows[2].query_id = 7;
  rows[3].local_client = true;
  EXPECT_EQ(
      victims(rule_for(Victims::oldest, {GroupColumn::query_id, GroupColumn::client_addr}), rows),
      (std::vector<pid_t>{1, 2, 4})
  );
}

TEST(Victims, OfStatementsThatBeganAtOnceAreTheSameInEveryPoll) {
  EXPECT_EQ(
      victims(rule_for(Victims::oldest), {started(2, 10), started(1, 10)}),
      std::vector<pid_t>{1}
  );
  EXPECT_EQ(
      victims(rule_for(Victims::newest), {started(2, 10), started(1, 10)}),
      std::vector<pid_t>{2}
  );
}

TEST(Victims, WithoutAStartAreTheLastResort) {
  Activity unknown = started(1, 0);
  unknown.query_start.reset();
  for (const Victims which : {Victims::oldest, Victims::newest})
    EXPECT_EQ(victims(rule_for(which), {unknown, started(2, 20)}), std::vector<pid_t>{2});
  EXPECT_EQ(victims(rule_for(Victims::oldest), {unknown}), std::vector<pid_t>{1});
}

TEST(Victims, ExemptBackendsAreNotChosenAndStayMatched) {
  Activity exempt = started(1, 10);
  exempt.superuser = true;
  EXPECT_EQ(
      victims(rule_for(Victims::oldest), {exempt, started(2, 20), started(3, 30)}),
      (std::vector<pid_t>{1, 2})
  );
}

TEST(Victims, OnesSparedAreNotTriedWithLaterRules) {
  Rule later = rule_of(RuleAction::terminate);
  later.name = "later";
  const ActivitySnapshot poll = poll_of({started(1, 10), started(2, 20)});
  const auto judged = judge_rows(
      RuleMatcher({rule_for(Victims::oldest), later}),
      poll,
      {},
      [](const Activity&, const Rule&) { return false; }
  );
  EXPECT_EQ(judged[1].rule, 0U);
  EXPECT_EQ(judged[1].applies(), std::nullopt);
  EXPECT_EQ(judged[1].spared_for, poll.rows[0].key);
}

TEST(Victims, TheNextOneIsSignalledWhenTheFirstIsGone) {
  Tracker tracker = tracker_of({rule_for(Victims::oldest)});
  const Activity first = started(1, 10);
  const Activity second = started(2, 20);
  const SignalOrder order = only_signal(tracker.observe(poll_of({first, second}), at(0)));
  EXPECT_EQ(order.guard.backend, first.key);
  static_cast<void>(accept(tracker, order, at(0)));
  EXPECT_TRUE(tracker.observe(poll_of({first, second}), at(5)).signals.empty());
  EXPECT_EQ(only_signal(tracker.observe(poll_of({second}), at(10))).guard.backend, second.key);
}

}  // namespace
}  // namespace pghang::escalation
