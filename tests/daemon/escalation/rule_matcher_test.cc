#include "daemon/escalation/rule_matcher.h"

#include <gtest/gtest.h>

#include "tests/daemon/escalation/builders.h"

namespace pghang::escalation {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::exact;
using testing::regex;
using testing::running;

RuleMatcher matcher_of(Match match) {
  Rule rule;
  rule.match = std::move(match);
  return RuleMatcher({rule});
}

Match including(TextCriterion Match::*column, std::vector<Pattern> patterns) {
  Match match;
  (match.*column).include = std::move(patterns);
  return match;
}

Match excluding(TextCriterion Match::*column, std::vector<Pattern> patterns) {
  Match match;
  (match.*column).exclude = std::move(patterns);
  return match;
}

Match aged(std::optional<Duration> Match::*column, Duration at_least) {
  Match match;
  match.*column = at_least;
  return match;
}

bool matches(Match match, const Activity& activity) {
  return matcher_of(std::move(match)).match(activity).has_value();
}

std::string mismatch(Match match, const Activity& activity) {
  return matcher_of(std::move(match)).first_mismatch(0, activity).value_or("holds");
}

TEST(RuleMatcher, ARuleWithoutCriteriaMatchesAnyClientBackend) {
  EXPECT_TRUE(matches({}, running()));
}

TEST(RuleMatcher, ARuleWithoutBackendTypeMatchesNothingButClientBackends) {
  for (const char* type :
       {"walsender", "parallel worker", "autovacuum worker", "checkpointer", ""}) {
    Activity activity = running();
    activity.backend_type = type;
    EXPECT_FALSE(matches({}, activity)) << type;
  }
}

TEST(RuleMatcher, ARuleMayIncludeAnotherBackendType) {
  Activity activity = running();
  activity.backend_type = "autovacuum worker";
  EXPECT_TRUE(matches(including(&Match::backend_type, {exact("autovacuum worker")}), activity));
  EXPECT_FALSE(matches(including(&Match::backend_type, {exact("autovacuum worker")}), running()));
}

TEST(RuleMatcher, ABackendTypeCriterionOfOnlyExcludesMatchesOtherTypes) {
  Activity activity = running();
  activity.backend_type = "background worker";
  EXPECT_TRUE(matches(excluding(&Match::backend_type, {exact("walsender")}), activity));
}

TEST(RuleMatcher, AnUnreadableBackendTypeMatchesNoInclude) {
  Activity activity = running();
  activity.backend_type = "";
  EXPECT_FALSE(matches(including(&Match::backend_type, {regex(".*")}), activity));
}

TEST(RuleMatcher, EveryCriterionOfARuleMustHold) {
  Match match;
  match.state.include = {exact("active")};
  match.database.include = {exact("shop")};
  match.user.include = {exact("app")};
  match.application_name.include = {exact("web")};
  match.wait_event_type.include = {exact("Lock")};
  match.wait_event.include = {exact("relation")};
  match.query_age = seconds(100);
  match.transaction_age = seconds(200);
  match.state_age = seconds(100);
  Activity activity = running();
  activity.wait_event_type = "Lock";
  activity.wait_event = "relation";
  ASSERT_TRUE(matches(match, activity));

  const auto broken = [&](auto change) {
    Activity other = activity;
    change(other);
    return !matches(match, other);
  };
  EXPECT_TRUE(broken([](Activity& a) { a.state = "idle"; }));
  EXPECT_TRUE(broken([](Activity& a) { a.database = "other"; }));
  EXPECT_TRUE(broken([](Activity& a) { a.user = "other"; }));
  EXPECT_TRUE(broken([](Activity& a) { a.application_name = "other"; }));
  EXPECT_TRUE(broken([](Activity& a) { a.wait_event_type = "LWLock"; }));
  EXPECT_TRUE(broken([](Activity& a) { a.wait_event = "tuple"; }));
  EXPECT_TRUE(broken([](Activity& a) { a.query_age = seconds(99); }));
  EXPECT_TRUE(broken([](Activity& a) { a.xact_age = seconds(199); }));
  EXPECT_TRUE(broken([](Activity& a) { a.state_age = seconds(99); }));
}

TEST(RuleMatcher, TheFirstRuleThatMatchesWins) {
  Rule narrow;
  narrow.match.user.include = {exact("batch")};
  const RuleMatcher matcher({narrow, Rule{}, Rule{}});
  EXPECT_EQ(matcher.match(running()), 1U);
  Activity batch = running();
  batch.user = "batch";
  EXPECT_EQ(matcher.match(batch), 0U);
}

TEST(RuleMatcher, NoRulesMatchNothing) {
  EXPECT_EQ(RuleMatcher({}).match(running()), std::nullopt);
}

TEST(RuleMatcher, AnyIncludeSufficesAndAnyExcludeForbids) {
  Match match = including(&Match::user, {exact("root"), regex("^a")});
  match.user.exclude = {exact("admin")};
  EXPECT_TRUE(matches(match, running()));
  Activity admin = running();
  admin.user = "admin";
  EXPECT_FALSE(matches(match, admin));
}

TEST(RuleMatcher, AnExactPatternIsTheWholeValueAndARegexIsSearchedFor) {
  EXPECT_FALSE(matches(including(&Match::database, {exact("sho")}), running()));
  EXPECT_TRUE(matches(including(&Match::database, {regex("ho")}), running()));
  EXPECT_FALSE(matches(including(&Match::database, {regex("^ho")}), running()));
}

TEST(RuleMatcher, ANullColumnMatchesNoIncludeAndNoExclude) {
  Activity activity = running();
  activity.user.reset();
  EXPECT_FALSE(matches(including(&Match::user, {regex(".*")}), activity));
  EXPECT_TRUE(matches(excluding(&Match::user, {regex(".*")}), activity));
}

TEST(RuleMatcher, ANullAgeIsNeverOldEnough) {
  Activity activity = running();
  activity.query_age.reset();
  activity.xact_age.reset();
  activity.state_age.reset();
  EXPECT_FALSE(matches(aged(&Match::query_age, Duration(0)), activity));
  EXPECT_FALSE(matches(aged(&Match::transaction_age, Duration(0)), activity));
  EXPECT_FALSE(matches(aged(&Match::state_age, Duration(0)), activity));
}

TEST(RuleMatcher, AnAgeHoldsFromExactlyTheWantedLengthOn) {
  Activity activity = running();
  activity.query_age = minutes(10);
  EXPECT_TRUE(matches(aged(&Match::query_age, minutes(10)), activity));
  activity.query_age = *activity.query_age - microseconds(1);
  EXPECT_FALSE(matches(aged(&Match::query_age, minutes(10)), activity));
}

TEST(RuleMatcher, WaitEventsAreComparedWithoutRegardToCase) {
  Activity activity = running();
  activity.wait_event_type = "IPC";
  activity.wait_event = "BgworkerShutdown";
  EXPECT_TRUE(matches(including(&Match::wait_event, {exact("BgWorkerShutdown")}), activity));
  EXPECT_TRUE(matches(including(&Match::wait_event, {regex("^bgworker")}), activity));
  EXPECT_TRUE(matches(including(&Match::wait_event_type, {exact("ipc")}), activity));
  EXPECT_FALSE(matches(excluding(&Match::wait_event, {exact("BGWORKERSHUTDOWN")}), activity));
}

TEST(RuleMatcher, NamesAreComparedWithRegardToCase) {
  EXPECT_FALSE(matches(including(&Match::user, {exact("APP")}), running()));
  EXPECT_FALSE(matches(including(&Match::user, {regex("APP")}), running()));
}

TEST(RuleMatcher, ARegexThatDoesNotCompileIncludesNothingAndExcludesEverything) {
  EXPECT_FALSE(matches(including(&Match::user, {regex("(")}), running()));
  EXPECT_FALSE(matches(excluding(&Match::user, {regex("(")}), running()));
}

TEST(RuleMatcher, ARegexSeesTheFirstKibibyteOnly) {
  Activity activity = running();
  activity.application_name = std::string(1023, 'a') + "b";
  EXPECT_TRUE(matches(including(&Match::application_name, {regex("b$")}), activity));
  activity.application_name = std::string(1024, 'a') + "b";
  EXPECT_FALSE(matches(including(&Match::application_name, {regex("b")}), activity));
}

TEST(RuleMatcher, AClientCannotMakeARegexRunForever) {
  Activity activity = running();
  activity.application_name = std::string(1023, 'a') + "!";
  EXPECT_FALSE(matches(including(&Match::application_name, {regex("(a+)+$")}), activity));
}

TEST(RuleMatcher, TheFirstMismatchIsNamedWithWhatWasWanted) {
  Activity activity = running();
  activity.query_age = milliseconds(3217);
  EXPECT_EQ(
      mismatch(aged(&Match::query_age, minutes(10)), activity),
      "query_age: 3s, wanted 10min"
  );
  Match both = aged(&Match::query_age, minutes(10));
  both.state.include = {exact("idle")};
  EXPECT_EQ(mismatch(both, activity), "state: active, wanted idle");
}

TEST(RuleMatcher, AnAgeBelowASecondIsShownInMilliseconds) {
  Activity activity = running();
  activity.state_age = microseconds(12'345);
  EXPECT_EQ(mismatch(aged(&Match::state_age, seconds(2)), activity), "state_age: 12ms, wanted 2s");
}

TEST(RuleMatcher, AMismatchListsEveryIncludeAsTheFileSpellsIt) {
  EXPECT_EQ(
      mismatch(including(&Match::user, {exact("root"), regex("^batch")}), running()),
      "user: app, wanted root or /^batch"
  );
}

TEST(RuleMatcher, AMismatchNamesTheExcludeThatForbids) {
  EXPECT_EQ(
      mismatch(excluding(&Match::database, {exact("other"), regex("^sh")}), running()),
      "database: shop, excluded by /^sh"
  );
}

TEST(RuleMatcher, AMismatchSaysNullForWhatIsAbsent) {
  Activity activity = running();
  activity.user.reset();
  activity.xact_age.reset();
  EXPECT_EQ(mismatch(including(&Match::user, {exact("app")}), activity), "user: NULL, wanted app");
  EXPECT_EQ(
      mismatch(aged(&Match::transaction_age, minutes(1)), activity),
      "transaction_age: NULL, wanted 1min"
  );
}

TEST(RuleMatcher, TheImpliedBackendTypeIsNamedInAMismatch) {
  Activity activity = running();
  activity.backend_type = "walsender";
  EXPECT_EQ(mismatch({}, activity), "backend_type: walsender, wanted client backend");
}

TEST(RuleMatcher, WhereAllCriteriaHoldThereIsNoMismatch) {
  EXPECT_EQ(mismatch(aged(&Match::query_age, seconds(1)), running()), "holds");
}

}  // namespace
}  // namespace pghang::escalation
