#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/problems_of.h"

/// Keys that are not known, not there, or there twice.
namespace pghang {
namespace {

using test::Lines;
using test::problems_of;

TEST(KeyProblems, AnUnknownKeyNamesTheNearestKnownOne) {
  EXPECT_EQ(
      problems_of("rules:\n  - name: r\n    match:\n      query_aeg: 5min\n"),
      Lines{"f:4: rules[0].match.query_aeg: unknown key; did you mean `query_age`?"}
  );
  EXPECT_EQ(problems_of("rule: []"), Lines{"f:1: rule: unknown key; did you mean `rules`?"});
}

TEST(KeyProblems, AKnownKeyInTheWrongPlaceSaysWhereItBelongs) {
  EXPECT_EQ(
      problems_of("rules: [{name: r, query_age: 5min}]"),
      Lines{"f:1: rules[0].query_age: unknown key here; it belongs in `rules[].match`"}
  );
  EXPECT_EQ(
      problems_of("interval: 5s"),
      Lines{"f:1: interval: unknown key here; it belongs in `polling`, `sampling`"}
  );
}

TEST(KeyProblems, AnUnknownKeyLikeNoneNamesThemAll) {
  EXPECT_EQ(
      problems_of("log: {rotate: true}"),
      Lines{"f:1: log.rotate: unknown key; known are `level`, `format`"}
  );
  EXPECT_EQ(
      problems_of("rules: [{name: r, match: {user: {only: [a]}}}]"),
      Lines{"f:1: rules[0].match.user.only: unknown key; known are `include`, `exclude`"}
  );
}

TEST(KeyProblems, KeysAreCaseSensitive) {
  EXPECT_EQ(problems_of("Mode: observe"), Lines{"f:1: Mode: unknown key; did you mean `mode`?"});
}

TEST(KeyProblems, ADuplicateKeyNamesBothLines) {
  EXPECT_EQ(
      problems_of("log:\n  level: info\n  format: json\n  level: warn\n"),
      Lines{"f:4: log.level: is already set on line 2"}
  );
  EXPECT_EQ(
      problems_of("log: {}\nmode: observe\nlog: {}\nlog: {}\n"),
      (Lines{"f:3: log: is already set on line 1", "f:4: log: is already set on line 1"})
  );
}

TEST(KeyProblems, ARuleWithoutANameIsFoundByItsLine) {
  EXPECT_EQ(
      problems_of("rules:\n  - name: a\n  - for: 5s\n"),
      Lines{"f:3: rules[1].name: is required"}
  );
  EXPECT_EQ(problems_of("rules:\n  -\n"), Lines{"f:2: rules[0].name: is required"});
}

TEST(KeyProblems, AKeyThatCannotBeOneIsNotRepeated) {
  EXPECT_EQ(
      problems_of("polling: {\"a b\": 1}"),
      Lines{"f:1: polling: holds something that is not a key"}
  );
  EXPECT_EQ(
      problems_of(std::string(41, 'k') + ": 1"),
      Lines{"f:1: holds something that is not a key"}
  );
}

TEST(KeyProblems, AMapWithMoreThan100KeysIsRefusedAsAWhole) {
  std::string yaml;
  for (int i = 0; i < 101; ++i)
    yaml += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(problems_of(yaml), Lines{"f:1: has more than 100 keys"});
}

TEST(KeyProblems, After100ProblemsTheRestIsNotShown) {
  std::string yaml = "rules:\n";
  for (int i = 0; i < 100; ++i)
    yaml += "  - {bad1: 1, bad2: 2}\n";
  const Lines problems = problems_of(yaml);
  ASSERT_EQ(problems.size(), 101U);
  EXPECT_EQ(problems.back(), "f: more problems are not shown");
}

}  // namespace
}  // namespace pghang
