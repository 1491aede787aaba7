#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "config/time_window.h"
#include "daemon/escalation/rule_matcher.h"
#include "tests/daemon/escalation/builders.h"

/// The criteria beyond texts and ages, and what they need to know.
namespace pghang::escalation {
namespace {

using std::chrono::minutes;
using testing::exact;
using testing::idle_in_transaction;
using testing::regex;
using testing::running;
using testing::seconds;

Rule rule_with(Match match) {
  Rule rule;
  rule.match = std::move(match);
  return rule;
}

bool matches(const Match& match, const Activity& row, const Circumstances& around = {}) {
  return RuleMatcher({rule_with(match)}).match(row, around).has_value();
}

std::string mismatch(const Match& match, const Activity& row, const Circumstances& around = {}) {
  return RuleMatcher({rule_with(match)}).first_mismatch(0, row, around).value_or("holds");
}

Network network(const char* text) {
  return *parse_network(text);
}

Activity from(std::optional<std::string> address, bool local = false) {
  Activity row = running();
  row.client_address = std::move(address);
  row.local_client = local;
  return row;
}

TEST(ClientAddr, IsABlockOrTheHostsOwnSockets) {
  Match match;
  match.client_addr.include = {network("10.0.0.0/8"), network("fd00::/8"), network("local")};
  match.client_addr.exclude = {network("10.0.0.7")};
  EXPECT_TRUE(matches(match, from("10.1.2.3")));
  EXPECT_TRUE(matches(match, from("fd12::1")));
  EXPECT_TRUE(matches(match, from(std::nullopt, true)));
  EXPECT_FALSE(matches(match, from("11.0.0.1")));
  EXPECT_FALSE(matches(match, from("10.0.0.7")));
  EXPECT_EQ(
      mismatch(match, from("11.0.0.1")),
      "client_addr: 11.0.0.1, wanted 10.0.0.0/8 or fd00::/8 or local, excluded by 10.0.0.7"
  );
  EXPECT_EQ(mismatch(match, from("10.0.0.7")), "client_addr: 10.0.0.7, excluded");
}

TEST(ClientAddr, ThatIsHiddenMatchesNoIncludeAndNoExclude) {
  Match included;
  included.client_addr.include = {network("local"), network("0.0.0.0/0"), network("::/0")};
  EXPECT_FALSE(matches(included, from(std::nullopt)));
  Match excluded;
  excluded.client_addr.exclude = included.client_addr.include;
  EXPECT_TRUE(matches(excluded, from(std::nullopt)));
}

TEST(QueryText, IsHeldAgainstWhatIsShownWithConstantsMasked) {
  Activity row = running();
  row.query = "COPY t FROM '/secret'";
  Match match;
  match.query.include = {regex(R"(^COPY t FROM \?)")};
  EXPECT_TRUE(matches(match, row));
  match.query.include = {regex("secret")};
  EXPECT_FALSE(matches(match, row));
  EXPECT_EQ(mismatch(match, row), "query: COPY t FROM ?, wanted /secret");
  match.query.include.clear();
  match.query.exclude = {regex("^COPY")};
  EXPECT_FALSE(matches(match, row));
}

TEST(QueryText, ThatIsNotThereMatchesNoInclude) {
  Activity row = running();
  row.query = "";
  Match match;
  match.query.include = {regex(".*")};
  EXPECT_FALSE(matches(match, row));
  match.query.include.clear();
  match.query.exclude = {regex(".*")};
  EXPECT_TRUE(matches(match, row));
}

TEST(QueryText, IsShownWithItsHeadOnly) {
  Activity row = running();
  row.query = "SELECT " + std::string(200, 'x');
  Match match;
  match.query.include = {regex("^COPY")};
  EXPECT_EQ(mismatch(match, row), "query: SELECT " + std::string(53, 'x') + "..., wanted /^COPY");
}

TEST(QueryId, ThatIsNullNeverMatches) {
  Match match;
  match.query_id.include = {-7, 8};
  Activity row = running();
  EXPECT_FALSE(matches(match, row));
  EXPECT_EQ(mismatch(match, row), "query_id: NULL, wanted -7 or 8");
  row.query_id = -7;
  EXPECT_TRUE(matches(match, row));
  row.query_id = 9;
  EXPECT_FALSE(matches(match, row));
  Match excluded;
  excluded.query_id.exclude = {9};
  EXPECT_FALSE(matches(excluded, row));
  row.query_id.reset();
  EXPECT_TRUE(matches(excluded, row));
}

TEST(XminAge, HoldsBeyondTheLimitOnly) {
  Match match;
  match.xmin_age_over = 1000;
  Activity row = running();
  EXPECT_EQ(mismatch(match, row), "xmin_age_over: NULL, wanted more than 1000");
  row.xmin_age = 1000;
  EXPECT_FALSE(matches(match, row));
  row.xmin_age = 1001;
  EXPECT_TRUE(matches(match, row));
}

TEST(IdleInTransaction, IsTheStateAndItsAge) {
  Match match;
  match.idle_in_transaction = seconds(100);
  EXPECT_TRUE(matches(match, idle_in_transaction()));
  Activity aborted = idle_in_transaction();
  aborted.state = "idle in transaction (aborted)";
  EXPECT_TRUE(matches(match, aborted));
  EXPECT_FALSE(matches(match, running()));
  EXPECT_EQ(mismatch(match, running()), "idle_in_transaction: active, wanted 1min40s");
  Activity young = idle_in_transaction();
  young.state_age = seconds(99);
  EXPECT_EQ(mismatch(match, young), "idle_in_transaction: 1min39s, wanted 1min40s");
}

TEST(InRecovery, IsTheServers) {
  Match match;
  match.in_recovery = true;
  Circumstances standby;
  standby.in_recovery = true;
  EXPECT_TRUE(matches(match, running(), standby));
  EXPECT_FALSE(matches(match, running()));
  EXPECT_EQ(mismatch(match, running()), "in_recovery: false, wanted true");
  match.in_recovery = false;
  EXPECT_FALSE(matches(match, running(), standby));
}

TEST(ActiveWindow, IsJudgedByTheServersClock) {
  Rule rule = rule_with({});
  rule.active = {*parse_time_window("09:00-10:00 UTC"), *parse_time_window("12:00-13:00 UTC")};
  const RuleMatcher rules({rule});
  const auto at_hour = [](int hour) {
    Circumstances around;
    around.at = PgTimestamp{hour * std::int64_t{3'600'000'000}};  // 2000-01-01 was a midnight
    return around;
  };
  EXPECT_TRUE(rules.match(running(), at_hour(9)));
  EXPECT_TRUE(rules.match(running(), at_hour(12)));
  EXPECT_FALSE(rules.match(running(), at_hour(11)));
  EXPECT_EQ(
      rules.first_mismatch(0, running(), at_hour(11)),
      "active: now is outside 09:00-10:00 UTC and 12:00-13:00 UTC"
  );
}

TEST(CostlyCriteria, ThatAreNotKnownDoNotHold) {
  Match blocking;
  blocking.blocking_at_least = 2;
  Circumstances around;
  EXPECT_EQ(mismatch(blocking, running(), around), "blocking_at_least: not known, wanted 2");
  around.facts.blocked_behind = 1;
  EXPECT_EQ(mismatch(blocking, running(), around), "blocking_at_least: 1, wanted 2");
  around.facts.blocked_behind = 2;
  EXPECT_TRUE(matches(blocking, running(), around));

  Match still;
  still.not_advancing = minutes(1);
  EXPECT_EQ(mismatch(still, running(), {}), "not_advancing: not known, wanted 1min");
  around.facts.not_advancing_for = seconds(59);
  EXPECT_EQ(mismatch(still, running(), around), "not_advancing: 59s, wanted 1min");
  around.facts.not_advancing_for = seconds(60);
  EXPECT_TRUE(matches(still, running(), around));

  Match ignored;
  ignored.terminate_ignored_for = seconds(5);
  EXPECT_EQ(mismatch(ignored, running(), {}), "terminate_ignored_for: not known, wanted 5s");
  around.facts.terminate_ignored_for = seconds(5);
  EXPECT_TRUE(matches(ignored, running(), around));
}

TEST(FactsNeeded, AreThoseOfRulesOfWhichAllElseHolds) {
  Match blocking;
  blocking.user.include = {exact("app")};
  blocking.blocking_at_least = 1;
  const RuleMatcher rules({rule_with(blocking)});
  EXPECT_EQ(rules.needs(running()), (FactNeeds{.locks = true, .process = false}));
  Activity other = running();
  other.user = "other";
  EXPECT_EQ(rules.needs(other), FactNeeds{});
}

TEST(FactsNeeded, EndWithARuleThatMatchesAnyway) {
  Match still;
  still.not_advancing = minutes(1);
  Match blocking;
  blocking.blocking_at_least = 1;
  Match all;
  const RuleMatcher rules({rule_with(still), rule_with(all), rule_with(blocking)});
  EXPECT_EQ(rules.needs(running()), (FactNeeds{.locks = false, .process = true}));
}

TEST(FactsNeeded, AreNoneWhereThePollAloneDecides) {
  EXPECT_EQ(RuleMatcher({rule_with({})}).needs(running()), FactNeeds{});
  EXPECT_EQ(RuleMatcher({}).needs(running()), FactNeeds{});
}

}  // namespace
}  // namespace pghang::escalation
