#include "daemon/commands/plan.h"

#include <gtest/gtest.h>

#include "daemon/commands/plan_safeguards.h"

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
  return render_plan(make_plan("main", snapshot, escalation::RuleMatcher({stuck()}), mode));
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

SignalRecord signal_of(const Activity& row, const std::string& answer, const std::string& words) {
  SignalRecord record;
  record.target = "main";
  record.backend = row.key;
  record.signal = "cancel";
  record.answer = answer;
  record.words = words;
  return record;
}

TEST(Plan, SaysWhatTheServerRefusedBeforeInItsOwnWords) {
  const ActivitySnapshot snapshot = one("active", Micros(5'000'000));
  const Activity& row = snapshot.rows.front();
  PlanView plan = make_plan("main", snapshot, escalation::RuleMatcher({stuck()}), Mode::enforce);
  tell_refusals(plan, {signal_of(row, "refused", "must be a superuser")});
  EXPECT_EQ(plan.backends[0].refused, "cancel: must be a superuser");
  EXPECT_NE(
      render_plan(plan).find("    refused before: cancel: must be a superuser\n"),
      std::string::npos
  );
  EXPECT_NE(
      plan_json({plan}).find(R"("refused": "cancel: must be a superuser")"),
      std::string::npos
  );
}

TEST(Plan, DoesNotTellOfRefusalsThatAreOverOrOfOthers) {
  const ActivitySnapshot snapshot = one("active", Micros(5'000'000));
  const Activity& row = snapshot.rows.front();
  PlanView plan = make_plan("main", snapshot, escalation::RuleMatcher({stuck()}), Mode::enforce);
  Activity before = row;
  before.key.backend_start.micros--;
  SignalRecord elsewhere = signal_of(row, "refused", "no");
  elsewhere.target = "other";
  tell_refusals(plan, {signal_of(before, "refused", "no"), elsewhere});
  EXPECT_EQ(plan.backends[0].refused, "") << "the pid was another backend's, or another server's";
  tell_refusals(plan, {signal_of(row, "refused", "no"), signal_of(row, "accepted", "")});
  EXPECT_EQ(plan.backends[0].refused, "");
  tell_refusals(plan, {signal_of(row, "refused", "no"), signal_of(row, "ordered", "")});
  EXPECT_EQ(plan.backends[0].refused, "cancel: no");
}

TEST(Plan, SaysWhichCriterionDoesNotHold) {
  const std::string text = plan(one("active", Micros(0)));
  EXPECT_NE(text.find("not stuck: state_age"), std::string::npos) << text;
  EXPECT_NE(text.find("0 of 1 backends"), std::string::npos) << text;
}

TEST(Plan, SaysWhoIsSparedForWhom) {
  ActivitySnapshot snapshot = one("active", Micros(5'000'000));
  snapshot.rows.push_back(snapshot.rows.front());
  snapshot.rows[0].query_start = PgTimestamp{10};
  snapshot.rows[1].query_start = PgTimestamp{20};
  snapshot.rows[1].key.pid = 4712;
  Rule rule = stuck();
  rule.victims = Victims::oldest;
  const PlanView view = make_plan("main", snapshot, escalation::RuleMatcher({rule}), Mode::enforce);
  EXPECT_NE(
      render_plan(view).find("rule stuck: spared: of its group pid 4711 is the victim"),
      std::string::npos
  ) << render_plan(view);
  EXPECT_EQ(view.backends[0].signal, "cancel");
  EXPECT_EQ(view.backends[1].signal, "");
}

TEST(Plan, SaysWhatIsCapturedAheadOfASignal) {
  Rule rule = stuck();
  rule.capture = {CaptureMoment::before_cancel, CaptureMoment::before_terminate};
  const auto snapshot = one("active", Micros(5'000'000));
  const std::string text =
      render_plan(make_plan("main", snapshot, escalation::RuleMatcher({rule}), Mode::enforce));
  EXPECT_NE(
      text.find("capture, then cancel, after 30s capture, then terminate, unresponsive"),
      std::string::npos
  ) << text;
}

TEST(Plan, AsJsonHasTheCriterionThatDoesNotHold) {
  const std::string json = plan_json({make_plan(
      "main",
      one("active", Micros(0)),
      escalation::RuleMatcher({stuck()}),
      Mode::observe
  )});
  EXPECT_NE(json.find("\"criterion\": \"state_age: 0s, wanted 1s\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"rule\": null"), std::string::npos) << json;
  EXPECT_EQ(json.find("secret"), std::string::npos);
}

TEST(Plan, NamesTheExemption) {
  const std::string text = plan(one("active", Micros(5'000'000), true));
  EXPECT_NE(text.find("exempt (superuser): no signal"), std::string::npos) << text;
}

TEST(Plan, NamesTheEntryThatProtects) {
  Protection nightly;
  nightly.name = "nightly";
  nightly.match.user.include = {Pattern{"app", false}};
  const std::string text = render_plan(make_plan(
      "main",
      one("active", Micros(5'000'000)),
      escalation::RuleMatcher({stuck()}),
      Mode::enforce,
      {},
      escalation::ProtectList({nightly})
  ));
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
  EXPECT_TRUE(restraints_of(many, rules, settings).empty());
  settings.budget.actions_per_minute = 3;
  using Notes = std::vector<std::string>;
  EXPECT_EQ(restraints_of(many, rules, settings), Notes{"at once 3 of 4 signals (budget_minute)"});
  settings.breaker = {.jump = 3, .jump_percent = 1, .window = Duration(1), .quiet = Duration(1)};
  EXPECT_EQ(
      restraints_of(many, rules, settings),
      (Notes{
          "the breaker of rule stuck would open: it would act on 4 backends at once",
          "at once 0 of 4 signals (breaker_open)"})
  );
}

TEST(Plan, ObserveModeSaysThatNothingIsSent) {
  const std::string text = plan(one("active", Micros(5'000'000)), Mode::observe);
  EXPECT_NE(text.find("mode observe: nothing is sent"), std::string::npos) << text;
}

}  // namespace
}  // namespace pghang
