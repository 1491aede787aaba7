#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/problems_of.h"

/// Protections, budget, breaker and control socket that cannot be meant.
namespace pghang {
namespace {

using test::Lines;
using test::problems_of;
using test::settings_of;

TEST(ProtectProblems, AnEntryHasANameAndACriterion) {
  EXPECT_EQ(
      problems_of("protect: [{name: x}]"),
      Lines{"f:1: protect[0].match: is empty: it would protect every backend; set a criterion"}
  );
  EXPECT_EQ(
      problems_of("protect: [{match: {user: a}}]"),
      Lines{"f:1: protect[0].name: is required"}
  );
  EXPECT_EQ(
      problems_of("protect:\n  - {name: x, match: {user: a}}\n  - {name: x, match: {user: b}}\n"),
      Lines{"f:3: protect[1].name: is also the name of protect[0]"}
  );
}

TEST(ProtectProblems, ACriterionOverTheTextNeedsTheText) {
  EXPECT_EQ(
      problems_of("polling: {query_text_bytes: 0}\nprotect: [{name: x, match: {query: /a}}]"),
      Lines{"f:2: protect[0].match.query: needs the text: set polling.query_text_bytes to 128 at "
            "least"}
  );
  EXPECT_EQ(problems_of("polling: {query_text_bytes: 0}\nprotect: []"), Lines{});
}

TEST(ProtectProblems, AnOwnListReplacesTheShippedOne) {
  EXPECT_EQ(default_settings().protect.size(), 2U);
  EXPECT_TRUE(settings_of("protect: []").protect.empty());
  const Settings settings = settings_of("protect: [{name: x, match: {database: [a, /b]}}]");
  ASSERT_EQ(settings.protect.size(), 1U);
  EXPECT_EQ(settings.protect[0].match.database.include.size(), 2U);
}

TEST(BudgetProblems, NothingIsNoLimit) {
  EXPECT_EQ(problems_of("budget: {actions_per_minute: 0}").size(), 1U);
  EXPECT_EQ(problems_of("budget: {share_percent: 101}").size(), 1U);
  EXPECT_EQ(problems_of("breaker: {window: 0s}").size(), 1U);
  EXPECT_EQ(settings_of("budget: {unresponsive: 7}").budget.unresponsive, 7U);
}

TEST(ControlSocketProblems, ItIsAnAbsolutePathOrSystemdsFolderOrNone) {
  const Lines expected{
      "f:1: web.control_socket: must be an absolute path, or start with ${RUNTIME_DIRECTORY}/; "
      "empty for none"};
  for (const char* path : {"control.sock", "${STATE_DIRECTORY}/x", "${RUNTIME_DIRECTORY}x"})
    EXPECT_EQ(problems_of("web: {control_socket: '" + std::string(path) + "'}"), expected) << path;
  for (const char* path : {"", "/run/x.sock", "${RUNTIME_DIRECTORY}/x"})
    EXPECT_EQ(problems_of("web: {control_socket: '" + std::string(path) + "'}"), Lines{}) << path;
}

}  // namespace
}  // namespace pghang
