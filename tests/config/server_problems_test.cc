#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/problems_of.h"

/// Targets, sampling and web settings that cannot be meant.
namespace pghang {
namespace {

using test::Lines;
using test::problems_of;

TEST(TargetProblems, ThereIsAtLeastOne) {
  EXPECT_EQ(problems_of("targets: []"), Lines{"f:1: targets: must name at least one server"});
}

TEST(TargetProblems, NamesAreUniqueAndFitForALabel) {
  EXPECT_EQ(
      problems_of("targets:\n  - {}\n  - name: main\n"),
      Lines{"f:3: targets[1].name: is also the name of targets[0]"}
  );
  EXPECT_EQ(
      problems_of("targets: [{name: Main}]"),
      Lines{"f:1: targets[0].name: may only have a-z, 0-9, _ and -"}
  );
  EXPECT_EQ(problems_of("targets: [{name: ''}]"), Lines{"f:1: targets[0].name: is required"});
}

TEST(TargetProblems, ItsOwnRulesAreCheckedAsTheFilesAre) {
  EXPECT_EQ(
      problems_of("targets:\n  - rules:\n      - name: r\n      - {name: r, match: {state: actve}}"
      ),
      (Lines{
          "f:4: targets[0].rules[1].name: is also the name of targets[0].rules[0]",
          "f:4: targets[0].rules[1].match.state: `actve` is not a state of pg_stat_activity; did "
          "you "
          "mean `active`?"})
  );
  EXPECT_EQ(
      problems_of("targets: [{rules: [{name: r, matches: {}}]}]"),
      Lines{"f:1: targets[0].rules[0].matches: unknown key; did you mean `match`?"}
  );
}

TEST(TargetProblems, ItsOwnLimitsAreCheckedAsTheFilesAre) {
  EXPECT_EQ(
      problems_of("targets:\n  - name: a\n  - name: b\n    budget:\n      share_percent: 0\n"
                  "      actions_per_hour: many\n      actions_per_day: 3\n"),
      (Lines{
          "f:5: targets[1].budget.share_percent: \"0\" is out of range; it must be from 1 to 100",
          "f:6: targets[1].budget.actions_per_hour: \"many\" is not a whole number",
          "f:7: targets[1].budget.actions_per_day: unknown key; did you mean `actions_per_hour`?"})
  );
}

TEST(TargetProblems, ADsnLooksLikeOne) {
  const Lines expected{
      "f:1: targets[0].dsn: is neither `keyword=value ...` nor a postgresql:// URI"};
  for (const char* const dsn : {"mydb", "mysql://h/db?a=b", "db.example.com:5432"})
    EXPECT_EQ(problems_of("targets: [{dsn: '" + std::string(dsn) + "'}]"), expected) << dsn;
  EXPECT_EQ(
      problems_of("targets: [{dsn: ''}]"),
      Lines{"f:1: targets[0].dsn: is empty; write at least `dbname=postgres`"}
  );
  EXPECT_EQ(problems_of("targets: [{dsn: 'dbname=postgresql://h/db'}]"), Lines{});
}

TEST(TargetProblems, APasswordFileIsAnAbsolutePathOrACredential) {
  const Lines expected{
      "f:1: targets[0].password_file: must be an absolute path, or start with "
      "${CREDENTIALS_DIRECTORY}/"};
  for (const char* const file : {"pw", "./pw", "$HOME/pw", "${CREDENTIALS_DIRECTORY}pw"})
    EXPECT_EQ(problems_of("targets: [{password_file: '" + std::string(file) + "'}]"), expected);
  EXPECT_EQ(problems_of("targets: [{password_file: /etc/pghangd/pw}]"), Lines{});
}

TEST(SymbolProblems, ADebuginfodServerIsAWebAddress) {
  for (const char* const url : {"debuginfod.debian.net", "file:///etc", "http://a http://b", "''"})
    EXPECT_EQ(
        problems_of("symbols: {debuginfod_urls: [" + std::string(url) + "]}"),
        Lines{"f:1: symbols.debuginfod_urls[0]: must be http://... or https://..., without spaces"}
    ) << url;
  EXPECT_EQ(
      problems_of("symbols: {debuginfod_urls: ['https://debuginfod.debian.net', 'http://h:8002/']}"
      ),
      Lines{}
  );
}

TEST(SamplingProblems, TheDeadlineLeavesTimeForTheSamples) {
  EXPECT_EQ(
      problems_of("sampling: {samples: 20, interval: 100ms, deadline: 2s, stop_deadline: 50ms}"),
      Lines{"f:1: sampling.deadline: must be longer than samples * interval + stop_deadline, which "
            "is 2s50ms"}
  );
  EXPECT_EQ(problems_of("sampling: {samples: 20, interval: 100ms, deadline: 2s51ms}"), Lines{});
}

TEST(SamplingProblems, ADefaultDeadlineIsReportedWhereItsSectionStands) {
  EXPECT_THAT(
      problems_of("mode: observe\nsampling:\n  interval: 1s\n"),
      testing::ElementsAre(testing::StartsWith("f:2: sampling.deadline: must be longer"))
  );
}

TEST(WebProblems, AnAddressIsNumericOrLocalhostWithAPort) {
  for (const char* const address :
       {"10187",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:http",
        "127.0.0.1:+1",
        "::1:10187",
        "[::1]",
        "[127.0.0.1]:1",
        "db.example.com:1",
        "256.0.0.1:1",
        " :1",
        ""}) {
    const std::string yaml = "web: {listen_addresses: [\"" + std::string(address) + "\"]}";
    EXPECT_EQ(
        problems_of(yaml),
        Lines{
            "f:1: web.listen_addresses[0]: \"" + std::string(address) +
            "\" is not an address; write 127.0.0.1:10187, [::1]:10187 or :10187"}
    );
  }
}

TEST(WebProblems, AddressesAreThereOnceAndAtLeastOne) {
  EXPECT_EQ(
      problems_of("web: {listen_addresses: []}"),
      Lines{"f:1: web.listen_addresses: must name at least one address"}
  );
  EXPECT_EQ(
      problems_of("web:\n  listen_addresses:\n    - ':1'\n    - ':2'\n    - ':1'\n"),
      Lines{"f:5: web.listen_addresses[2]: \":1\" is there already"}
  );
}

TEST(WebProblems, TheExternalUrlIsOneThatPathsCanFollow) {
  const Lines unfit{
      "f:1: web.external_url: must be like https://db1.example.com:10187, without a query"};
  for (const char* const url : {"db1:10187", "ftp://db1", "http://db1/?a=1", "http://db1/<b>"})
    EXPECT_EQ(problems_of("web: {external_url: '" + std::string(url) + "'}"), unfit) << url;
  for (const char* const url : {"", "http://db1:10187", "https://db1.example.com/hang/"})
    EXPECT_EQ(problems_of("web: {external_url: '" + std::string(url) + "'}"), Lines{}) << url;
}

TEST(WebProblems, TheWebConfigurationIsAnAbsolutePath) {
  EXPECT_EQ(
      problems_of("web: {config_file: web.yml}"),
      Lines{"f:1: web.config_file: must be an absolute path"}
  );
}

TEST(WebProblems, TheTelemetryPathIsAPlainPathThatNothingElseUses) {
  const Lines not_plain{"f:1: web.telemetry_path: must be a plain path like /metrics"};
  for (const char* const path : {"", "/", "metrics", "/a b", "/a?b", "/a#b", "/%41"})
    EXPECT_EQ(problems_of("web: {telemetry_path: '" + std::string(path) + "'}"), not_plain) << path;
  for (const char* const path : {"/-", "/-/healthy", "/api", "/api/v1/status", "/incidents/1"})
    EXPECT_THAT(
        problems_of("web: {telemetry_path: '" + std::string(path) + "'}"),
        testing::ElementsAre(testing::HasSubstr("is taken by other pages"))
    );
  EXPECT_EQ(problems_of("web: {telemetry_path: /apis}"), Lines{});
}

}  // namespace
}  // namespace pghang
