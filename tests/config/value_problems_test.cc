#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/problems_of.h"

/// Values that are wrong by themselves: kind, unit, range, spelling.
namespace pghang {
namespace {

using test::Lines;
using test::problems_of;

TEST(ValueProblems, AllAreReportedAtOnceInTheOrderOfTheFile) {
  const Lines expected{
      "f:1: mode: \"enforced\" is not one of `observe`, `enforce`; did you mean `enforce`?",
      "f:3: polling.interval: \"5\" needs a unit: ms, s, min, h or d",
      "f:4: polling.intervall: unknown key; did you mean `interval`?",
      "f:7: rules[1].name: is also the name of rules[0]",
      "f:8: log.level: must be one of `debug`, `info`, `warn`, `error`, but is a list",
  };
  EXPECT_EQ(
      problems_of("mode: enforced\n"
                  "polling:\n"
                  "  interval: 5\n"
                  "  intervall: 5s\n"
                  "rules:\n"
                  "  - name: a\n"
                  "  - name: a\n"
                  "log: {level: [info]}\n"),
      expected
  );
}

TEST(ValueProblems, AChoiceIsNotOneOfTheChoices) {
  EXPECT_EQ(
      problems_of("rules: [{name: r, match: {query_age: 1h}, action: kill}]"),
      Lines{"f:1: rules[0].action: \"kill\" is not one of `observe`, `cancel`, `terminate`"}
  );
  EXPECT_EQ(
      problems_of("log: {format: jsno}"),
      Lines{"f:1: log.format: \"jsno\" is not one of `logfmt`, `json`; did you mean `json`?"}
  );
}

TEST(ValueProblems, ADurationHasNoUnitOrIsNone) {
  EXPECT_EQ(
      problems_of("polling: {interval: 30}"),
      Lines{"f:1: polling.interval: \"30\" needs a unit: ms, s, min, h or d"}
  );
  EXPECT_EQ(
      problems_of("rules: [{name: r, for: soon}]"),
      Lines{"f:1: rules[0].for: \"soon\" is not a duration; write it like 30s or 5min"}
  );
}

TEST(ValueProblems, ADurationIsOutOfRange) {
  EXPECT_EQ(
      problems_of("polling: {interval: 99ms}"),
      Lines{"f:1: polling.interval: \"99ms\" is out of range; it must be from 100ms to 1h"}
  );
  EXPECT_EQ(
      problems_of("rules: [{name: r, match: {query_age: 0s}}]"),
      Lines{"f:1: rules[0].match.query_age: \"0s\" is out of range; it must be from 1ms to 365d"}
  );
}

TEST(ValueProblems, TheEndsOfARangeAreInIt) {
  EXPECT_EQ(problems_of("polling: {interval: 100ms}"), Lines{});
  EXPECT_EQ(problems_of("polling: {interval: 1h}"), Lines{});
  EXPECT_EQ(problems_of("polling: {interval: 1h1ms}").size(), 1U);
  EXPECT_EQ(problems_of("sampling: {samples: 1}"), Lines{});
  EXPECT_EQ(problems_of("sampling: {samples: 20}"), Lines{});
  EXPECT_EQ(problems_of("sampling: {samples: 0}").size(), 1U);
}

TEST(ValueProblems, ANumberIsNoneOrOutOfRange) {
  EXPECT_EQ(
      problems_of("sampling: {samples: 21}"),
      Lines{"f:1: sampling.samples: \"21\" is out of range; it must be from 1 to 20"}
  );
  const std::string no_number = "is not a whole number";
  for (const char* const text : {"many", "3.5", "0x10", "-1", "3 ", "''", "1e1"}) {
    const std::string yaml = std::string("{keep: \"") + text + "\"}";
    EXPECT_THAT(
        problems_of("incidents: " + yaml),
        testing::ElementsAre(testing::HasSubstr(no_number))
    ) << text;
  }
  EXPECT_EQ(
      problems_of("incidents: {keep: 99999999999999999999999}"),
      Lines{"f:1: incidents.keep: \"99999999999999999999999\" is out of range; "
            "it must be from 0 to 100000"}
  );
}

TEST(ValueProblems, ASizeIsNoneOrOutOfRange) {
  EXPECT_EQ(
      problems_of("polling: {query_text_bytes: 1TB}"),
      Lines{
          "f:1: polling.query_text_bytes: \"1TB\" has an unknown unit; known are B, kB, MB and GB"}
  );
  EXPECT_EQ(
      problems_of("incidents: {max_bytes: 2GB}"),
      Lines{"f:1: incidents.max_bytes: \"2GB\" is out of range; it must be from 64kB to 1GB"}
  );
}

TEST(ValueProblems, AFlagIsNeitherTrueNorFalse) {
  EXPECT_EQ(
      problems_of("web: {enable_lifecycle: yes}"),
      Lines{"f:1: web.enable_lifecycle: \"yes\" is neither true nor false"}
  );
}

TEST(ValueProblems, TheWrongKindIsNamed) {
  EXPECT_EQ(
      problems_of("mode: {a: b}"),
      Lines{"f:1: mode: must be one of `observe`, `enforce`, but is a map"}
  );
  EXPECT_EQ(
      problems_of("polling: 5s"),
      Lines{"f:1: polling: must be a map, but is a single value"}
  );
  EXPECT_EQ(problems_of("rules: {name: r}"), Lines{"f:1: rules: must be a list, but is a map"});
  EXPECT_EQ(problems_of("rules:"), Lines{"f:1: rules: must be a list, but is empty"});
  EXPECT_EQ(problems_of("[mode]"), Lines{"f:1: must be a map, but is a list"});
  EXPECT_EQ(
      problems_of("polling: {interval: }").at(0),
      "f:1: polling.interval: must be a duration like 30s or 5min, but is empty"
  );
  EXPECT_EQ(
      problems_of("targets: [{dsn: {a: b}}]"),
      Lines{"f:1: targets[0].dsn: must be text, but is a map"}
  );
  EXPECT_EQ(
      problems_of("rules: [{name: r, match: {state: [[active]]}}]"),
      Lines{"f:1: rules[0].match.state[0]: must be text, but is a list"}
  );
}

TEST(ValueProblems, ARuleThatIsAWordIsNotAMap) {
  EXPECT_THAT(
      problems_of("rules: [stuck]"),
      testing::Contains("f:1: rules[0]: must be a map, but is a single value")
  );
}

TEST(ValueProblems, ABadPatternIsNamedByItsPlaceInTheList) {
  EXPECT_EQ(
      problems_of("rules:\n"
                  "  - name: r\n"
                  "    match:\n"
                  "      user:\n"
                  "        exclude:\n"
                  "          - good\n"
                  "          - /(\n"),
      Lines{"f:7: rules[0].match.user.exclude[1]: \"/(\" is not a regular expression: "
            "Mismatched '(' and ')' in regular expression"}
  );
}

TEST(ValueProblems, APatternIsTooLong) {
  const std::string yaml = "rules: [{name: r, match: {user: /" + std::string(256, 'x') + "}}]";
  EXPECT_THAT(
      problems_of(yaml),
      testing::ElementsAre(testing::EndsWith(" is longer than 256 bytes"))
  );
}

TEST(ValueProblems, TextIsTooLongOrHoldsAControlCharacter) {
  EXPECT_EQ(
      problems_of("targets: [{dsn: host=" + std::string(1020, 'x') + "}]"),
      Lines{"f:1: targets[0].dsn: is longer than 1024 bytes"}
  );
  EXPECT_EQ(
      problems_of("targets: [{dsn: \"host=a\\0b\"}]"),
      Lines{"f:1: targets[0].dsn: holds a control character"}
  );
}

TEST(ValueProblems, AListHasMoreThan100Elements) {
  std::string users;
  for (int i = 0; i < 101; ++i)
    users += "u,";
  EXPECT_EQ(
      problems_of("rules: [{name: r, match: {user: [" + users + "]}}]"),
      Lines{"f:1: rules[0].match.user: has more than 100 elements"}
  );
  std::string rules = "rules:\n";
  for (int i = 0; i < 101; ++i)
    rules += "  - name: r" + std::to_string(i) + "\n";
  EXPECT_EQ(problems_of(rules), Lines{"f:2: rules: has more than 100 elements"});
}

TEST(ValueProblems, AStoreIsAnAbsolutePathOrSystemds) {
  EXPECT_TRUE(problems_of("store: {file: /srv/x.db}").empty());
  EXPECT_TRUE(problems_of("store: {file: ''}").empty());
  EXPECT_THAT(
      problems_of("store: {file: pghangd.db}"),
      testing::ElementsAre(testing::HasSubstr("must be an absolute path"))
  );
}

TEST(ValueProblems, NeverRepeatAConnectionString) {
  for (const char* const yaml : {
           "targets: [{dsn: host secret}]",
           "targets: [{dsn: [host=a password=secret]}]",
           "targets: host=a password=secret",
           "targets: [host=a password=secret]",
           "targets: [{host=a password=secret: }]",
           R"(targets: [{dsn: "host=a\npassword=secret"}])",
           "targets: [{dsn: mysql://u:secret@h}]",
           "targets:\n  - dsn: host=a password='a: secret'\n",
           "targets:\n  - dsn: 'secret\n",
           "targets:\n  - dsn: secret: x\n",
       }) {
    const Lines problems = problems_of(yaml);
    EXPECT_FALSE(problems.empty()) << yaml;
    for (const std::string& problem : problems)
      EXPECT_THAT(problem, testing::Not(testing::HasSubstr("secret"))) << yaml;
  }
}

}  // namespace
}  // namespace pghang
