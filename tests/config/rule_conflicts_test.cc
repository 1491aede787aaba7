#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/problems_of.h"

/// Rules that can never match, by themselves or behind an earlier one.
namespace pghang {
namespace {

using test::Lines;
using test::problems_of;

Lines warnings_about(const std::string& text) {
  Lines lines;
  const LoadedConfig loaded = parse_config(text, "f");
  for (const ConfigProblem& problem : loaded.problems)
    ADD_FAILURE() << to_string(problem);
  for (const ConfigProblem& warning : loaded.warnings)
    lines.push_back(to_string(warning));
  return lines;
}

/// One rule that matches these.
Lines problems_of_match(const std::string& keys) {
  return problems_of("rules: [{name: r, match: {" + keys + "}}]");
}

/// Whether the second rule is said to be shadowed by the first.
bool is_shadowed(const std::string& first, const std::string& second) {
  const Lines problems =
      problems_of("rules:\n- {name: first, " + first + "}\n- {name: second, " + second + "}\n");
  if (problems.empty()) return false;
  EXPECT_EQ(
      problems,
      Lines{"f:3: rules[1].match: never matches: whatever it asks for, rules[0] `first` matches "
            "first"}
  );
  return true;
}

bool match_is_shadowed(const std::string& first, const std::string& second) {
  return is_shadowed("match: {" + first + "}", "match: {" + second + "}");
}

TEST(Contradictions, IncludesThatAreAllExcludedMatchNothing) {
  const std::string why = "matches nothing: all that it includes is excluded";
  EXPECT_EQ(
      problems_of_match("user: {include: [a, b], exclude: [/^a, b]}"),
      Lines{"f:1: rules[0].match.user: " + why}
  );
  EXPECT_EQ(
      problems_of_match("client_addr: {include: [10.1.0.0/16], exclude: [10.0.0.0/8]}"),
      Lines{"f:1: rules[0].match.client_addr: " + why}
  );
  EXPECT_EQ(
      problems_of_match("query_id: {include: [7], exclude: [7, 8]}"),
      Lines{"f:1: rules[0].match.query_id: " + why}
  );
  EXPECT_EQ(problems_of_match("user: {include: [a, c], exclude: [/^a]}"), Lines{});
  EXPECT_EQ(
      problems_of_match("client_addr: {include: [10.0.0.0/8], exclude: [10.1.0.0/16]}"),
      Lines{}
  );
}

TEST(Contradictions, IdleInTransactionInAnotherStateMatchesNothing) {
  EXPECT_EQ(
      problems_of_match("state: active, idle_in_transaction: 5min"),
      Lines{"f:1: rules[0].match.state: lets no state pass that `idle_in_transaction` wants"}
  );
  EXPECT_EQ(problems_of_match("state: [idle in transaction], idle_in_transaction: 5min"), Lines{});
}

TEST(Contradictions, ACancelOfSessionsIdleInTransactionIsIgnored) {
  EXPECT_THAT(
      problems_of("rules: [{name: r, match: {idle_in_transaction: 5min}, action: cancel}]"),
      testing::ElementsAre(testing::HasSubstr("rules[0].action: PostgreSQL ignores a cancel"))
  );
}

TEST(Contradictions, IdleSessionsHaveNoTransaction) {
  const std::string why =
      " never holds: an idle session has no transaction, and the rule matches no other";
  EXPECT_EQ(
      problems_of_match("state: idle, transaction_age: 1h"),
      Lines{"f:1: rules[0].match.transaction_age:" + why}
  );
  EXPECT_EQ(
      problems_of_match("state: idle, xmin_age_over: 100"),
      Lines{"f:1: rules[0].match.xmin_age_over:" + why}
  );
  EXPECT_EQ(problems_of_match("state: [idle, active], transaction_age: 1h"), Lines{});
}

TEST(Contradictions, TextsWithConstantsAreMaskedBeforeRulesSeeThem) {
  EXPECT_THAT(
      problems_of_match("query: \"SELECT 'x'\""),
      testing::ElementsAre(testing::HasSubstr("rules[0].match.query: matches nothing that has a"))
  );
  EXPECT_EQ(problems_of_match("query: 'SELECT ?'"), Lines{});
}

TEST(Contradictions, AQueryThatIsNotFetchedMatchesNothing) {
  EXPECT_THAT(
      problems_of(
          "protect: []\npolling: {query_text_bytes: 0}\nrules: [{name: r, match: {query: /COPY}}]"
      ),
      testing::ElementsAre(testing::HasSubstr("f:3: rules[0].match.query: matches nothing"))
  );
}

TEST(Contradictions, AWindowOfNoLengthIsRefused) {
  EXPECT_EQ(
      problems_of("rules: [{name: r, active: '10:00-10:00 UTC'}]"),
      Lines{"f:1: rules[0].active: \"10:00-10:00 UTC\" ends when it begins; a whole day is "
            "`00:00-24:00`"}
  );
}

TEST(Contradictions, BadValuesOfTheNewCriteriaAreNamed) {
  EXPECT_THAT(problems_of_match("client_addr: 10.0.0.1/8"), testing::SizeIs(1));
  EXPECT_THAT(problems_of_match("query_id: 12x"), testing::SizeIs(1));
  EXPECT_THAT(problems_of_match("blocking_at_least: 0"), testing::SizeIs(1));
  EXPECT_THAT(problems_of_match("in_recovery: maybe"), testing::SizeIs(1));
  EXPECT_THAT(problems_of("rules: [{name: r, capture: [later]}]"), testing::SizeIs(1));
  EXPECT_EQ(
      problems_of("rules: [{name: r, group_by: [user, user]}]"),
      Lines{"f:1: rules[0].group_by: names `user` twice"}
  );
}

TEST(Contradictions, TheServersRoleAloneIsNoCriterionOfABackend) {
  EXPECT_THAT(
      problems_of("rules: [{name: r, match: {in_recovery: false}, action: terminate}]"),
      testing::ElementsAre(testing::HasSubstr("would terminate every client backend"))
  );
}

TEST(Shadows, AStricterRuleBehindIsNeverReached) {
  EXPECT_TRUE(match_is_shadowed("query_age: 1min", "query_age: 5min"));
  EXPECT_TRUE(match_is_shadowed("query_age: 1min", "query_age: 1min, user: bob"));
  EXPECT_TRUE(match_is_shadowed("user: [bob, al]", "user: al, state: active"));
  EXPECT_TRUE(match_is_shadowed("user: /^b", "user: bob"));
  EXPECT_TRUE(match_is_shadowed("user: /^b", "user: /^b, query_age: 1s"));
  EXPECT_TRUE(match_is_shadowed("user: {exclude: [root]}", "user: bob"));
  EXPECT_TRUE(match_is_shadowed("client_addr: 10.0.0.0/8", "client_addr: [10.1.2.3, 10.7.0.0/16]"));
  EXPECT_TRUE(match_is_shadowed("query_id: {exclude: [7]}", "query_id: [8, 9]"));
  EXPECT_TRUE(match_is_shadowed("xmin_age_over: 10", "xmin_age_over: 11"));
  EXPECT_TRUE(match_is_shadowed("blocking_at_least: 1", "blocking_at_least: 2"));
  EXPECT_TRUE(match_is_shadowed("state_age: 1min", "idle_in_transaction: 5min"));
  EXPECT_TRUE(
      match_is_shadowed("idle_in_transaction: 1min", "state: idle in transaction, state_age: 2min")
  );
  EXPECT_TRUE(match_is_shadowed("wait_event: PgSleep", "wait_event: PgSleep, user: bob"));
  EXPECT_TRUE(match_is_shadowed("backend_type: client backend", "user: bob"));
  EXPECT_TRUE(is_shadowed("match: {user: bob}, for: 1h", "match: {user: bob}"));
}

TEST(Shadows, ARuleThatMatchesMoreIsReached) {
  EXPECT_FALSE(match_is_shadowed("query_age: 5min", "query_age: 1min"));
  EXPECT_FALSE(match_is_shadowed("query_age: 5min", "user: bob"));
  EXPECT_FALSE(match_is_shadowed("user: bob", "user: [bob, al]"));
  EXPECT_FALSE(match_is_shadowed("user: {exclude: [bob]}", "user: [bob, al]"));
  EXPECT_FALSE(match_is_shadowed("user: {include: [/^b], exclude: [bob]}", "user: /^b"));
  EXPECT_FALSE(match_is_shadowed("state: active", "query_age: 1s"));
  EXPECT_FALSE(match_is_shadowed("client_addr: 10.1.0.0/16", "client_addr: 10.0.0.0/8"));
  EXPECT_FALSE(match_is_shadowed("client_addr: {exclude: [10.0.0.1]}", "client_addr: 10.0.0.0/8"));
  EXPECT_FALSE(match_is_shadowed("query_id: [7]", "query_id: [7, 8]"));
  EXPECT_FALSE(match_is_shadowed("query_id: [7]", "user: bob"));
  EXPECT_FALSE(match_is_shadowed("not_advancing: 1min", "query_age: 1min"));
  EXPECT_FALSE(match_is_shadowed("in_recovery: true", "in_recovery: false"));
  EXPECT_FALSE(
      match_is_shadowed("user: bob", "backend_type: [client backend, walsender], user: bob")
  );
  EXPECT_FALSE(match_is_shadowed("user: bob", "user: {exclude: [bob]}"));
  EXPECT_FALSE(is_shadowed("match: {user: bob}, active: '22:00-06:00 UTC'", "match: {user: bob}"));
}

TEST(Shadows, TheSameWindowIsTheSame) {
  const std::string night = ", active: '22:00-06:00 UTC'";
  EXPECT_TRUE(is_shadowed("match: {user: bob}" + night, "match: {user: bob, query_age: 1s}" + night)
  );
}

TEST(Warnings, ARegularExpressionThatSeemsToBeCoveredIsOne) {
  EXPECT_EQ(
      warnings_about("rules:\n- {name: a, match: {user: /^app}}\n"
                     "- {name: b, match: {user: /^app_report}}\n"),
      Lines{"f:3: rules[1].match: warning: probably never matches: rules[0] `a` seems to match all "
            "of it first"}
  );
}

TEST(Warnings, WhatHasNoEffectIsOne) {
  EXPECT_EQ(
      warnings_about("rules: [{name: r, match: {user: bob}, group_by: [user]}]"),
      Lines{"f:1: rules[0].group_by: warning: has no effect: `victims` is all"}
  );
  EXPECT_EQ(warnings_about("rules: [{name: r, capture: [before_cancel]}]").size(), 1U);
  EXPECT_EQ(
      warnings_about("rules: [{name: r, match: {user: bob}, action: cancel, capture: "
                     "[before_cancel, before_terminate]}]")
          .size(),
      1U
  );
  EXPECT_EQ(warnings_about("rules: [{name: r, match: {state: idle, query_age: 1h}}]").size(), 1U);
}

TEST(Warnings, TheDefaultsGiveNone) {
  EXPECT_EQ(warnings_about(""), Lines{});
}

}  // namespace
}  // namespace pghang
