#include "daemon/plan.h"

#include <gtest/gtest.h>

#include "daemon/plan_safeguards.h"

namespace pghang {
namespace {

Rule stuck() {
  Rule rule;
  rule.name = "stuck";
  rule.match.state.include = {Pattern{"active", false}, Pattern{"idle in transaction", false}};
  rule.match.state_age = Duration(1000);
  rule.action = RuleAction::terminate;
  return rule;
}

ActivitySnapshot one(const std::string& state, Micros age, bool superuser = false) {
  ActivitySnapshot snapshot;
  snapshot.server.version = "15.20";
  Activity& row = snapshot.rows.emplace_back();
  row.key.pid = 4711;
  row.backend_type = "client backend";
  row.state = state;
  row.user = "app";
  row.state_age = age;
  row.superuser = superuser;
  row.query = "SELECT 'secret'";
  return snapshot;
}

std::string plan(const ActivitySnapshot& snapshot, Mode mode = Mode::enforce) {
  return render_plan("main", snapshot, escalation::RuleMatcher({stuck()}), mode);
}

TEST(Plan, SaysTheStepsForAnActiveBackend) {
  const std::string text = plan(one("active", Micros(5'000'000)));
  EXPECT_NE(
      text.find("rule stuck: cancel, after 30s terminate, unresponsive after 30s"),
      std::string::npos
  ) << text;
  EXPECT_EQ(text.find("secret"), std::string::npos);
}

TEST(Plan, SaysThatAnIdleSessionIsTerminatedAtOnce) {
  const std::string text = plan(one("idle in transaction", Micros(5'000'000)));
  EXPECT_NE(text.find("rule stuck: terminate"), std::string::npos) << text;
}

TEST(Plan, SaysWhichCriterionDoesNotHold) {
  const std::string text = plan(one("active", Micros(0)));
  EXPECT_NE(text.find("not stuck: state_age"), std::string::npos) << text;
  EXPECT_NE(text.find("0 of 1 backends"), std::string::npos) << text;
}

TEST(Plan, NamesTheExemption) {
  const std::string text = plan(one("active", Micros(5'000'000), true));
  EXPECT_NE(text.find("exempt (superuser): no signal"), std::string::npos) << text;
}

TEST(Plan, NamesTheEntryThatProtects) {
  Protection nightly;
  nightly.name = "nightly";
  nightly.match.user.include = {Pattern{"app", false}};
  const std::string text = render_plan(
      "main",
      one("active", Micros(5'000'000)),
      escalation::RuleMatcher({stuck()}),
      Mode::enforce,
      escalation::ProtectList({nightly})
  );
  EXPECT_NE(text.find("exempt (protected by nightly): no signal"), std::string::npos) << text;
}

TEST(Plan, SaysWhatBudgetAndBreakerWouldDo) {
  ActivitySnapshot many = one("active", Micros(5'000'000));
  for (int i = 1; i < 4; ++i) {
    many.rows.push_back(many.rows.front());
    many.rows.back().key.pid += i;
  }
  for (Activity& row : many.rows)
    row.query_start = PgTimestamp{1};
  many.counts = {{"active", 100}};
  const escalation::RuleMatcher rules({stuck()});
  Settings settings;
  EXPECT_EQ(render_restraints(many, rules, settings), "");
  settings.budget.actions_per_minute = 3;
  EXPECT_EQ(render_restraints(many, rules, settings), "  at once 3 of 4 signals (budget_minute)\n");
  settings.breaker = {.jump = 3, .jump_percent = 1, .window = Duration(1), .quiet = Duration(1)};
  const std::string text = render_restraints(many, rules, settings);
  EXPECT_NE(text.find("breaker of rule stuck would open"), std::string::npos) << text;
  EXPECT_NE(text.find("0 of 4 signals (breaker_open)"), std::string::npos) << text;
}

TEST(Plan, ObserveModeSaysThatNothingIsSent) {
  const std::string text = plan(one("active", Micros(5'000'000)), Mode::observe);
  EXPECT_NE(text.find("mode observe: nothing is sent"), std::string::npos) << text;
}

}  // namespace
}  // namespace pghang
