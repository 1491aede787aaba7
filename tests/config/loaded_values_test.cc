#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/config/problems_of.h"

/// What a good file gives: every key is read into its own setting.
namespace pghang {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::problems_of;
using test::settings_of;

Pattern exactly(const char* text) {
  return {.text = text, .is_regex = false};
}

Pattern regex(const char* text) {
  return {.text = text, .is_regex = true};
}

/// The criterion `state: <yaml>` of a rule.
TextCriterion criterion_of(const std::string& yaml) {
  const Settings settings = settings_of("rules: [{name: r, match: {state: " + yaml + "}}]");
  return settings.rules.at(0).match.state;
}

TEST(LoadedValues, ATargetHasTheFilesRulesAndModeUnlessItHasItsOwn) {
  const Settings settings = settings_of(
      "mode: enforce\nrules: [{name: all}]\ntargets:\n  - name: a\n"
      "  - {name: b, mode: observe, rules: [{name: one, match: {user: u}}, {name: two}]}\n  - "
      "{name: c, rules: []}\n"
  );
  const auto names = [&](std::size_t target) {
    std::vector<std::string> found;
    for (const Rule& rule : settings_for(settings, settings.targets.at(target)).rules)
      found.push_back(rule.name);
    return found;
  };
  EXPECT_EQ(names(0), std::vector<std::string>{"all"});
  EXPECT_EQ(names(1), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(names(2), std::vector<std::string>{});
  EXPECT_EQ(settings_for(settings, settings.targets[0]).mode, Mode::enforce);
  EXPECT_EQ(settings_for(settings, settings.targets[1]).mode, Mode::observe);
  EXPECT_EQ(settings_for(settings, settings.targets[1]).targets.size(), 1U);
}

TEST(LoadedValues, ATargetHasTheFilesLimitsWhereItHasNoneOfItsOwn) {
  const Settings settings = settings_of(
      "budget: {actions_per_minute: 7, share_percent: 50}\ntargets:\n  - name: a\n"
      "  - {name: b, budget: {actions_per_minute: 1, unresponsive: 2}}\n"
      "  - name: c\n    budget:\n      actions_per_hour: 9\n      share_percent: 3\n"
  );
  const auto budget = [&](std::size_t target) {
    return settings_for(settings, settings.targets.at(target)).budget;
  };
  EXPECT_EQ(budget(0), settings.budget);
  EXPECT_EQ(budget(0).actions_per_minute, 7U);
  EXPECT_EQ(
      budget(1),
      (BudgetSettings{
          .actions_per_minute = 1,
          .actions_per_hour = settings.budget.actions_per_hour,
          .share_percent = 50,
          .unresponsive = 2})
  );
  EXPECT_EQ(
      budget(2),
      (BudgetSettings{
          .actions_per_minute = 7,
          .actions_per_hour = 9,
          .share_percent = 3,
          .unresponsive = settings.budget.unresponsive})
  );
}

TEST(LoadedValues, AnEmptyFileIsTheDefaults) {
  for (const char* const text : {"", "\n", "# nothing\n", "---\n", "{}", "~"}) {
    const LoadedConfig loaded = parse_config(text, "f");
    EXPECT_TRUE(loaded.ok()) << text;
    EXPECT_EQ(loaded.settings, default_settings()) << text;
  }
}

TEST(LoadedValues, ASectionWithAllKeysCommentedOutIsItsDefaults) {
  EXPECT_EQ(problems_of("log:\n#  level: info\nweb:\n"), test::Lines{});
}

TEST(LoadedValues, Mode) {
  EXPECT_EQ(settings_of("mode: enforce").mode, Mode::enforce);
  EXPECT_EQ(settings_of("mode: 'observe'").mode, Mode::observe);
}

TEST(LoadedValues, Polling) {
  const Polling expected{
      .interval = seconds{1},
      .statement_timeout = milliseconds{1500},
      .connect_timeout = seconds{3},
      .reconnect_max = minutes{1},
      .query_text_bytes = 2048,
  };
  const Settings settings = settings_of(R"(
polling:
  interval: 1s
  statement_timeout: 1s500ms
  connect_timeout: 3s
  reconnect_max: 1min
  query_text_bytes: 2kB
)");
  EXPECT_EQ(settings.polling, expected);
}

TEST(LoadedValues, Targets) {
  const std::vector<Target> expected{
      {.name = "a",
       .dsn = "host=/run/postgresql",
       .password_file = "",
       .mode = {},
       .rules = {},
       .budget = {}},
      {.name = "b",
       .dsn = "postgresql://u:p%40@[::1]:5433/db?sslmode=require",
       .password_file = "${CREDENTIALS_DIRECTORY}/pg",
       .mode = {},
       .rules = {},
       .budget = {}},
  };
  const Settings settings = settings_of(R"(
targets:
  - name: a
    dsn: host=/run/postgresql
  - name: b
    dsn: postgresql://u:p%40@[::1]:5433/db?sslmode=require
    password_file: ${CREDENTIALS_DIRECTORY}/pg
)");
  EXPECT_EQ(settings.targets, expected);
}

TEST(LoadedValues, ADsnMayHoldAPassword) {
  for (const char* const dsn :
       {"host=db password='a b' user=u", "postgres://user:pw@db/x", "service=main"}) {
    const Settings settings = settings_of("targets: [{dsn: \"" + std::string(dsn) + "\"}]");
    EXPECT_EQ(settings.targets.at(0).dsn, dsn);
  }
}

TEST(LoadedValues, ARule) {
  Rule expected;
  expected.name = "long_reports-2";
  expected.match.state.include = {exactly("active")};
  expected.match.backend_type.include = {exactly("client backend")};
  expected.match.database.include = {exactly("sales")};
  expected.match.user.include = {exactly("bob")};
  expected.match.application_name.include = {exactly("")};
  expected.match.wait_event_type.include = {exactly("IO")};
  expected.match.wait_event.include = {exactly("DataFileRead")};
  expected.match.query_age = hours{1};
  expected.match.transaction_age = hours{2};
  expected.match.state_age = hours{3};
  expected.for_ = seconds{10};
  expected.action = RuleAction::cancel;
  expected.cancel_grace = seconds{5};
  expected.terminate_grace = seconds{6};
  const Settings settings = settings_of(R"(
rules:
  - name: long_reports-2
    match:
      state: active
      backend_type: client backend
      database: sales
      user: bob
      application_name: ""
      wait_event_type: IO
      wait_event: DataFileRead
      query_age: 1h
      transaction_age: 2h
      state_age: 3h
    for: 10s
    action: cancel
    cancel_grace: 5s
    terminate_grace: 6s
)");
  EXPECT_EQ(settings.rules, std::vector{expected});
}

TEST(LoadedValues, RulesInAFileReplaceTheBuiltInOnes) {
  EXPECT_EQ(settings_of("rules: []").rules, std::vector<Rule>{});
  EXPECT_EQ(settings_of("mode: enforce").rules, default_settings().rules);
}

TEST(LoadedValues, ARuleThatSaysNothingElseObserves) {
  Rule expected;
  expected.name = "r";
  EXPECT_EQ(settings_of("rules: [{name: r}]").rules, std::vector{expected});
}

TEST(LoadedValues, ACriterionIsAValueOrAListOrAMap) {
  const TextCriterion one{.include = {exactly("active")}, .exclude = {}};
  EXPECT_EQ(criterion_of("active"), one);
  EXPECT_EQ(criterion_of("[active]"), one);
  EXPECT_EQ(criterion_of("{include: active}"), one);
  EXPECT_EQ(criterion_of("{include: [active], exclude: []}"), one);

  const TextCriterion both{
      .include = {regex("^idle"), exactly("active")},
      .exclude = {exactly("idle")}};
  EXPECT_EQ(criterion_of("{include: [/^idle, active], exclude: idle}"), both);
}

TEST(LoadedValues, Sampling) {
  const Sampling expected{
      .samples = 5,
      .interval = milliseconds{10},
      .deadline = seconds{1},
      .stop_deadline = milliseconds{20},
      .repeat = minutes{2},
      .allow_ptrace_stop = false,
  };
  const Settings settings = settings_of(R"(
sampling: {samples: 5, interval: 10ms, deadline: 1s, stop_deadline: 20ms, repeat: 2min,
           allow_ptrace_stop: false}
)");
  EXPECT_EQ(settings.sampling, expected);
}

TEST(LoadedValues, Web) {
  const Web expected{
      .listen_addresses = {":9000", "[::1]:9001", "localhost:0"},
      .telemetry_path = "/m/x",
      .enable_lifecycle = true,
      .external_url = "https://db1.example.com/hang",
      .config_file = "/etc/pghangd/web.yml",
      .public_details = true,
  };
  const Settings settings = settings_of(R"(
web:
  listen_addresses: [":9000", "[::1]:9001", "localhost:0"]
  telemetry_path: /m/x
  enable_lifecycle: true
  external_url: https://db1.example.com/hang
  config_file: /etc/pghangd/web.yml
  public_details: true
)");
  EXPECT_EQ(settings.web, expected);
  EXPECT_EQ(
      settings_of("web: {listen_addresses: 0.0.0.0:1}").web.listen_addresses,
      std::vector<std::string>{"0.0.0.0:1"}
  );
}

TEST(LoadedValues, Log) {
  const Log expected{.level = LogLevel::warn, .format = LogFormat::json};
  EXPECT_EQ(settings_of("log: {level: warn, format: json}").log, expected);
}

TEST(LoadedValues, Incidents) {
  const Incidents expected{.keep = 5, .max_bytes = 1U << 20U};
  EXPECT_EQ(settings_of("incidents: {keep: 5, max_bytes: 1MB}").incidents, expected);
}

TEST(LoadedValues, AByteOrderMarkAndWindowsLineEndsDoNotMatter) {
  EXPECT_EQ(
      settings_of("\xEF\xBB\xBFmode: enforce\r\nlog:\r\n  level: warn\r\n").mode,
      Mode::enforce
  );
}

TEST(LoadedValues, EverySpellingOfAnEnumIsItsOwnName) {
  for (const Mode mode : {Mode::observe, Mode::enforce})
    EXPECT_EQ(settings_of(std::string("mode: ") + to_string(mode)).mode, mode);
  for (const LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error})
    EXPECT_EQ(settings_of(std::string("log: {level: ") + to_string(level) + "}").log.level, level);
  for (const LogFormat format : {LogFormat::logfmt, LogFormat::json})
    EXPECT_EQ(
        settings_of(std::string("log: {format: ") + to_string(format) + "}").log.format,
        format
    );
  for (const RuleAction action : {RuleAction::observe, RuleAction::cancel, RuleAction::terminate}) {
    const std::string rule = "{name: r, match: {query_age: 1h}, action: ";
    const Settings settings = settings_of("rules: [" + rule + to_string(action) + "}]");
    EXPECT_EQ(settings.rules.at(0).action, action);
  }
}

}  // namespace
}  // namespace pghang
