#include "config/pattern.h"

#include <string>

#include <gtest/gtest.h>

namespace pghang {
namespace {

std::string why_not(const std::string& text) {
  const auto pattern = parse_pattern(text);
  return pattern ? "" : pattern.error().context;
}

Pattern exactly(const char* text) {
  return {.text = text, .is_regex = false};
}

Pattern regex(const char* text) {
  return {.text = text, .is_regex = true};
}

TEST(Pattern, WithoutASlashIsExactText) {
  EXPECT_EQ(*parse_pattern("a.b"), exactly("a.b"));
  EXPECT_EQ(*parse_pattern("a/b"), exactly("a/b"));
  EXPECT_EQ(*parse_pattern(""), exactly(""));
}

TEST(Pattern, WithASlashInFrontIsARegularExpression) {
  EXPECT_EQ(*parse_pattern("/^app_[0-9]+$"), regex("^app_[0-9]+$"));
}

TEST(Pattern, MustCompile) {
  EXPECT_EQ(
      why_not("/(a"),
      "is not a regular expression: Mismatched '(' and ')' in regular expression"
  );
  EXPECT_EQ(why_not("/[z-a]"), "is not a regular expression: Invalid range in bracket expression.");
}

TEST(Pattern, ThatWouldTakeTooManyStatesIsRefused) {
  EXPECT_NE(why_not("/((a?){300}){300}"), "");
}

TEST(Pattern, WithABackReferenceIsRefusedBecauseItCannotBeMatchedInBoundedTime) {
  EXPECT_EQ(
      why_not(R"(/(a)\1)"),
      "is not a regular expression: Unexpected back-reference in polynomial mode."
  );
}

TEST(Pattern, AnEmptyRegularExpressionIsRefused) {
  EXPECT_EQ(why_not("/"), "is an empty regular expression");
}

TEST(Pattern, ASlashAtItsEndIsTakenForTheHabitOfOtherPrograms) {
  EXPECT_EQ(why_not("/^app/"), "ends in a slash; a regular expression has one only at its start");
  EXPECT_EQ(*parse_pattern(R"(/^app\/)"), regex(R"(^app\/)"));
}

TEST(Pattern, MayHave256Bytes) {
  EXPECT_EQ(why_not(std::string(256, 'x')), "");
  EXPECT_EQ(why_not(std::string(257, 'x')), "is longer than 256 bytes");
  EXPECT_EQ(why_not("/" + std::string(256, 'x')), "is longer than 256 bytes");
}

TEST(CompiledPattern, MatchesAHostileNameInBoundedTime) {
  const auto compiled = compile_pattern("^(a+)+$", false);
  ASSERT_TRUE(compiled);
  // With backtracking this takes 2^60 steps; the test program's time limit is the assertion.
  EXPECT_FALSE(std::regex_search(std::string(60, 'a') + "b", *compiled));
}

TEST(CompiledPattern, CanIgnoreCase) {
  EXPECT_TRUE(std::regex_search("BgWorkerShutdown", *compile_pattern("bgworker", true)));
  EXPECT_FALSE(std::regex_search("BgWorkerShutdown", *compile_pattern("bgworker", false)));
}

TEST(Criterion, AdmitsWhatIsIncludedAndNotExcluded) {
  const TextCriterion criterion{.include = {regex("^idle")}, .exclude = {exactly("idle")}};
  EXPECT_TRUE(admits(criterion, "idle in transaction"));
  EXPECT_FALSE(admits(criterion, "idle"));
  EXPECT_FALSE(admits(criterion, "active"));
}

TEST(Criterion, WithoutIncludesAdmitsWhatIsNotExcluded) {
  const TextCriterion criterion{.include = {}, .exclude = {exactly("idle")}};
  EXPECT_TRUE(admits(criterion, "active"));
  EXPECT_FALSE(admits(criterion, "idle"));
}

}  // namespace
}  // namespace pghang
