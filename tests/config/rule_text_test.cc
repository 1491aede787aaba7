#include "config/rule_text.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

TEST(RuleText, SaysWhatIsNotTheDefault) {
  EXPECT_EQ(rule_text(Rule{}), "");
  Rule rule;
  rule.name = "stuck";
  rule.match.state.include = {Pattern{"active", false}};
  rule.match.user.exclude = {Pattern{"^app_", true}};
  rule.match.query_age = std::chrono::minutes(15);
  rule.action = RuleAction::terminate;
  EXPECT_EQ(
      rule_text(rule),
      "name: \"stuck\"\n"
      "match.state: [\"active\" ] but []\n"
      "match.user: [] but [\"/^app_\" ]\n"
      "match.query_age: 15min\n"
      "action: terminate\n"
  );
}

TEST(RuleText, TellsRulesApart) {
  Rule rule;
  rule.match.query_age = std::chrono::minutes(15);
  Rule other = rule;
  EXPECT_EQ(rule_text(rule), rule_text(other));
  other.cancel_grace = std::chrono::seconds(31);
  EXPECT_NE(rule_text(rule), rule_text(other));
  other = rule;
  other.match.query_age.reset();
  EXPECT_NE(rule_text(rule), rule_text(other));
}

}  // namespace
}  // namespace pghang
