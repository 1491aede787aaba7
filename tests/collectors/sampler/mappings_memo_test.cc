#include "collectors/sampler/mappings_memo.h"

#include <string>

#include <gtest/gtest.h>

namespace pghang::sampler {
namespace {

std::vector<Mapping> one(std::uint64_t start) {
  return {Mapping{.start = start, .end = start + 1, .path = "/lib/x.so"}};
}

TEST(MappingsMemo, KnowsATextThatItWasTold) {
  MappingsMemo memo;
  EXPECT_EQ(memo.find("text"), 0U);
  memo.remember("text", one(1));
  const std::uint32_t number = memo.find("text");
  ASSERT_NE(number, 0U);
  EXPECT_EQ(memo.at(number), one(1));
  EXPECT_EQ(memo.find("text, and a line more"), 0U);
}

TEST(MappingsMemo, NeverKnowsTheEmptyText) {
  EXPECT_EQ(MappingsMemo().find(""), 0U);
}

TEST(MappingsMemo, GivesAwayAndTakesBack) {
  MappingsMemo memo;
  memo.remember("text", one(1));
  const std::uint32_t number = memo.find("text");
  auto taken = memo.take(number);
  EXPECT_EQ(taken, one(1));
  EXPECT_TRUE(memo.at(number).empty());
  memo.give_back(number, std::move(taken));
  EXPECT_EQ(memo.at(number), one(1));
}

TEST(MappingsMemo, ForgetsTheOldestOfMany) {
  MappingsMemo memo;
  for (std::uint64_t i = 0; i < 5; ++i)
    memo.remember(std::to_string(i), one(i));
  EXPECT_EQ(memo.find("0"), 0U);
  for (std::uint64_t i = 1; i < 5; ++i)
    EXPECT_EQ(memo.at(memo.find(std::to_string(i))), one(i));
}

TEST(MappingsMemo, HasNothingForANumberThatItDidNotGive) {
  MappingsMemo memo;
  EXPECT_TRUE(memo.at(0).empty());
  EXPECT_TRUE(memo.at(99).empty());
  EXPECT_TRUE(memo.take(99).empty());
}

}  // namespace
}  // namespace pghang::sampler
