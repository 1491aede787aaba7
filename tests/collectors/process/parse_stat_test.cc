#include <string>

#include <gtest/gtest.h>

#include "collectors/process/parsers.h"

namespace pghang {
namespace {

std::string stat_of(const std::string& comm, const std::string& flags = "4194560") {
  return "4711 (" + comm + ") S 4000 4711 4711 0 -1 " + flags +
         " 1 2 3 4 5 6 7 8 20 0 1 0 987654 225280000 3000 18446744073709551615 1 1 0 0 0 0 0\n";
}

TEST(ParseStat, ReadsAPostgresBackend) {
  const auto stat = parse_stat(stat_of("postgres"));
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->comm, "postgres");
  EXPECT_EQ(stat->state, ProcessState::sleeping);
  EXPECT_EQ(stat->ppid, 4000);
  EXPECT_EQ(stat->start_ticks, 987654U);
  EXPECT_FALSE(stat->kernel_thread);
}

TEST(ParseStat, TakesTheFieldsAfterTheLastParenthesis) {
  const auto stat = parse_stat(stat_of("a) R (b 1 2 3"));
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->comm, "a) R (b 1 2 3");
  EXPECT_EQ(stat->state, ProcessState::sleeping);
  EXPECT_EQ(stat->ppid, 4000);
}

TEST(ParseStat, AcceptsAnEmptyNameAndANewlineInOne) {
  EXPECT_EQ(parse_stat(stat_of("")).value().comm, "");
  EXPECT_EQ(parse_stat(stat_of("x\ny")).value().comm, "x\ny");
}

TEST(ParseStat, KnowsAKernelThreadByItsFlag) {
  EXPECT_TRUE(parse_stat(stat_of("kworker/0:1", "69238880")).value().kernel_thread);
}

TEST(ParseStat, TakesAStateItDoesNotKnowForUnknown) {
  std::string text = stat_of("x");
  text.replace(text.find(" S "), 3, " Q ");
  EXPECT_EQ(parse_stat(text).value().state, ProcessState::unknown);
}

TEST(ParseStat, RefusesWhatIsCutOrNotANumber) {
  const std::string whole = stat_of("x");
  EXPECT_EQ(parse_stat("").error().code, Errc::malformed);
  EXPECT_EQ(parse_stat("4711 (x").error().code, Errc::malformed);
  EXPECT_EQ(parse_stat(")x(").error().code, Errc::malformed);
  EXPECT_EQ(parse_stat(whole.substr(0, whole.find("987654"))).error().code, Errc::malformed);
  std::string word = whole;
  word.replace(word.find("987654"), 6, "98x654");
  EXPECT_EQ(parse_stat(word).error().code, Errc::malformed);
}

}  // namespace
}  // namespace pghang
