#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/problems_of.h"

/// Rules that cannot be meant, although every value is good by itself.
namespace pghang {
namespace {

using test::Lines;
using test::problems_of;

/// The problems of one rule named `r` with these keys.
Lines problems_of_rule(const std::string& keys) {
  return problems_of("rules: [{name: r, " + keys + "}]");
}

TEST(RuleProblems, ANameIsUniqueAndFitForALabel) {
  EXPECT_EQ(
      problems_of("rules: [{name: a, match: {user: x}}, {name: b, match: {user: y}}, {name: a}]"),
      Lines{"f:1: rules[2].name: is also the name of rules[0]"}
  );
  const std::string expected = "f:1: rules[0].name: may only have a-z, 0-9, _ and -";
  for (const char* const name : {"A", "a b", "a.b", "\xC3\xA9"})
    EXPECT_EQ(problems_of("rules: [{name: " + std::string(name) + "}]"), Lines{expected}) << name;
  EXPECT_EQ(problems_of("rules: [{name: ''}]"), Lines{"f:1: rules[0].name: is required"});
  EXPECT_EQ(problems_of("rules: [{name: " + std::string(63, 'a') + "}]"), Lines{});
  EXPECT_EQ(
      problems_of("rules: [{name: " + std::string(64, 'a') + "}]"),
      Lines{"f:1: rules[0].name: is longer than 63 bytes"}
  );
}

TEST(RuleProblems, AnActionNeedsACriterion) {
  EXPECT_EQ(
      problems_of_rule("action: terminate"),
      Lines{"f:1: rules[0].match: is empty: the rule would terminate every client backend; set a "
            "criterion, or `action: observe`"}
  );
  EXPECT_THAT(
      problems_of_rule("match: {}, action: cancel"),
      testing::ElementsAre(testing::HasSubstr("would cancel every client backend"))
  );
  EXPECT_EQ(problems_of_rule("match: {user: []}, action: cancel").size(), 1U);
  EXPECT_EQ(problems_of_rule("match: {user: bob}, action: cancel"), Lines{});
}

TEST(RuleProblems, TheDefaultBackendTypeWrittenOutIsNoCriterion) {
  EXPECT_EQ(problems_of_rule("match: {backend_type: client backend}, action: cancel").size(), 1U);
}

TEST(RuleProblems, ARuleThatObservesMayMatchEverything) {
  EXPECT_EQ(problems_of_rule("action: observe"), Lines{});
}

TEST(RuleProblems, AnActionNeedsNoAge) {
  EXPECT_EQ(problems_of_rule("match: {state: active}, action: terminate"), Lines{});
}

TEST(RuleProblems, ACancelOfIdleSessionsOnlyWouldBeIgnored) {
  const Lines expected{
      "f:1: rules[0].action: PostgreSQL ignores a cancel in the idle states this "
      "rule matches; use `terminate`"};
  EXPECT_EQ(problems_of_rule("match: {state: idle}, action: cancel"), expected);
  EXPECT_EQ(problems_of_rule("match: {state: [/^idle in]}, action: cancel"), expected);
  EXPECT_EQ(
      problems_of_rule("match: {state: [idle in transaction, idle in transaction (aborted)]}, "
                       "action: cancel"),
      expected
  );
  EXPECT_EQ(
      problems_of_rule("match: {state: {exclude: [active, starting, disabled, /^fast]}}, "
                       "action: cancel"),
      expected
  );
}

TEST(RuleProblems, ACancelThatMeetsIdleSessionsAmongOthersIsGood) {
  EXPECT_EQ(problems_of_rule("match: {state: [idle, active]}, action: cancel"), Lines{});
  EXPECT_EQ(problems_of_rule("match: {query_age: 1h}, action: cancel"), Lines{});
}

TEST(RuleProblems, ATerminateOfIdleSessionsIsGood) {
  EXPECT_EQ(problems_of_rule("match: {state: idle, state_age: 2h}, action: terminate"), Lines{});
}

TEST(RuleProblems, AStateIsOneOfPostgresqls) {
  EXPECT_EQ(
      problems_of_rule("match: {state: idle_in_transaction}"),
      Lines{"f:1: rules[0].match.state: `idle_in_transaction` is not a state of pg_stat_activity; "
            "did you mean `idle in transaction`?"}
  );
  EXPECT_EQ(
      problems_of_rule("match: {state: {exclude: [Active]}}"),
      Lines{"f:1: rules[0].match.state: `Active` is not a state of pg_stat_activity; did you mean "
            "`active`?"}
  );
}

TEST(RuleProblems, StatesThatExcludeEachOtherMatchNothing) {
  const Lines expected{"f:1: rules[0].match.state: matches no state of pg_stat_activity"};
  EXPECT_EQ(problems_of_rule("match: {state: /^Idle}"), expected);
  EXPECT_EQ(problems_of_rule("match: {state: {include: [idle], exclude: [/idle]}}"), expected);
}

TEST(RuleProblems, ABadCriterionIsNotReportedAgainAsAMissingOne) {
  EXPECT_THAT(
      problems_of_rule("match: {user: /(}, action: terminate"),
      testing::ElementsAre(testing::HasSubstr("rules[0].match.user"))
  );
}

}  // namespace
}  // namespace pghang
