#include <gtest/gtest.h>

#include "collectors/postgres/activity_collector.h"

namespace pghang {
namespace {

Settings with_state(std::vector<Pattern> include, std::vector<Pattern> exclude = {}) {
  Settings settings;
  settings.rules.resize(2);
  settings.rules[1].match.state = {std::move(include), std::move(exclude)};
  return settings;
}

Settings with_backend_type(std::vector<Pattern> include) {
  Settings settings;
  settings.rules.resize(2);
  settings.rules[1].match.backend_type.include = std::move(include);
  return settings;
}

TEST(FilterFor, RulesWithoutAStateDoNotAskForIdleSessions) {
  Settings settings;
  settings.rules.resize(1);
  settings.polling.query_text_bytes = 77;
  EXPECT_EQ(filter_for(settings), (ActivityFilter{false, false, 77}));
}

TEST(FilterFor, NoRuleAsksForNothing) {
  EXPECT_EQ(filter_for(Settings{}), ActivityFilter{});
}

TEST(FilterFor, IdleByNameOrExpressionIsAskedFor) {
  EXPECT_TRUE(filter_for(with_state({{"idle", false}})).idle);
  EXPECT_TRUE(filter_for(with_state({{"active", false}, {"^idle", true}})).idle);
}

TEST(FilterFor, IdleInTransactionIsAnotherState) {
  EXPECT_FALSE(filter_for(with_state({{"idle in transaction", false}})).idle);
  EXPECT_FALSE(filter_for(with_state({{"^idle in", true}})).idle);
  EXPECT_FALSE(filter_for(with_state({{"active", false}})).idle);
}

TEST(FilterFor, ExcludedIdleIsNotAskedFor) {
  EXPECT_FALSE(filter_for(with_state({{"^idle", true}}, {{"idle", false}})).idle);
}

TEST(FilterFor, ExcludeAloneAsksForNothing) {
  EXPECT_FALSE(filter_for(with_state({}, {{"active", false}})).idle);
}

TEST(FilterFor, BackendTypesOtherThanClientAskForProcessesWithoutAState) {
  EXPECT_TRUE(filter_for(with_backend_type({{"checkpointer", false}})).auxiliary);
  EXPECT_TRUE(filter_for(with_backend_type({{"client backend", false}, {"walsender", false}})
  ).auxiliary);
  EXPECT_TRUE(filter_for(with_backend_type({{".", true}})).auxiliary);
}

TEST(FilterFor, ClientBackendAloneAsksForNoOthers) {
  EXPECT_FALSE(filter_for(with_backend_type({{"client backend", false}})).auxiliary);
}

}  // namespace
}  // namespace pghang
