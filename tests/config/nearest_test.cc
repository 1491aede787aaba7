#include "config/nearest.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace pghang {
namespace {

const std::vector<std::string>& keys() {
  static const std::vector<std::string> kKeys{"query_age", "state_age", "state", "user", "for"};
  return kKeys;
}

std::string nearest_key(const std::string& word) {
  return nearest(word, keys()).value_or("(none)");
}

TEST(Nearest, FindsAWordWithOneLetterTooManyTooFewOrWrong) {
  EXPECT_EQ(nearest_key("query_agee"), "query_age");
  EXPECT_EQ(nearest_key("quer_age"), "query_age");
  EXPECT_EQ(nearest_key("qwery_age"), "query_age");
}

TEST(Nearest, CountsSwappedNeighboursAsOneEdit) {
  EXPECT_EQ(nearest_key("fro"), "for");
  EXPECT_EQ(nearest_key("suer"), "user");
}

TEST(Nearest, DoesNotMindCaseOrHyphens) {
  EXPECT_EQ(nearest_key("Query-Age"), "query_age");
}

TEST(Nearest, TakesTheNearerOfTwo) {
  EXPECT_EQ(nearest_key("stat_age"), "state_age");
  EXPECT_EQ(nearest_key("stat"), "state");
}

TEST(Nearest, DoesNotGuess) {
  EXPECT_EQ(nearest_key("database"), "(none)");
  EXPECT_EQ(nearest_key("x"), "(none)");
  EXPECT_EQ(nearest_key(""), "(none)");
  EXPECT_EQ(nearest_key(std::string(10'000, 'q')), "(none)");
  EXPECT_FALSE(nearest("user", {}));
}

TEST(Nearest, IsSaidAsAQuestion) {
  EXPECT_EQ(did_you_mean("usr", keys()), "; did you mean `user`?");
  EXPECT_EQ(did_you_mean("database", keys()), "");
}

}  // namespace
}  // namespace pghang
