#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/checks.h"
#include "config/loader.h"
#include "config/schema.h"
#include "config/web_config_loader.h"
#include "config/yaml_tree.h"

/// config/pghangd.yaml, which is the reference of every key, and the built-in defaults.
namespace pghang {
namespace {

using std::string_literals::operator""s;  // NOLINT(misc-unused-using-decls): used by literals

const char* const kPath = PGHANG_SOURCE_DIR "/config/pghangd.yaml";

std::string shipped_text() {
  std::ifstream file(kPath);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Its commented-out examples made real.
std::string with_examples() {
  std::string result;
  std::ifstream file(kPath);
  for (std::string line; std::getline(file, line);) {
    const bool example = line.starts_with("#  - ") || line.starts_with("#    ");
    result += (example ? line.substr(1) : line) + "\n";
  }
  return result;
}

void collect_keys(const YamlNode& node, const std::string& prefix, std::set<std::string>& keys) {
  for (const YamlNode& item : node.items)
    collect_keys(item, prefix + "[]", keys);
  for (const YamlEntry& entry : node.entries) {
    const std::string key = prefix.empty() ? entry.key : prefix + "." + entry.key;
    keys.insert(key);
    collect_keys(entry.value, key, keys);
  }
}

std::set<std::string> keys_of(const std::string& text) {
  Problems problems("f");
  std::set<std::string> keys;
  collect_keys(parse_yaml(text, problems), "", keys);
  return keys;
}

TEST(ShippedFile, LoadsToTheBuiltInDefaults) {
  const LoadedConfig loaded = load_config(kPath);
  for (const ConfigProblem& problem : loaded.problems)
    ADD_FAILURE() << to_string(problem);
  EXPECT_EQ(loaded.settings, default_settings());
}

TEST(ShippedFile, SetsEveryKeyThatHasADefault) {
  const std::set<std::string> set = keys_of(shipped_text());
  for (const std::string& key : schema_keys()) {
    // A criterion has no default but to be absent; the example has them all.
    if (key.starts_with("rules[].match.") || key.starts_with("protect[].match.")) continue;
    // Nor have these: a target without them has the file's.
    if (key == "targets[].mode" || key == "targets[].rules") continue;
    if (key.starts_with("targets[].budget")) continue;
    EXPECT_TRUE(set.contains(key)) << key;
  }
}

TEST(ShippedFile, HasEveryKeyOnceItsExamplesAreUncommented) {
  const std::set<std::string> set = keys_of(with_examples());
  for (const std::string& key : schema_keys())
    EXPECT_TRUE(set.contains(key)) << key;
}

TEST(ShippedFile, HasExamplesThatLoad) {
  const LoadedConfig loaded = parse_config(with_examples(), "examples");
  for (const ConfigProblem& problem : loaded.problems)
    ADD_FAILURE() << to_string(problem);
  EXPECT_EQ(loaded.settings.rules.size(), default_settings().rules.size() + 2);
}

/// `  - name` of `  - name: main`; empty for comments and blank lines.
std::string setting_of(const std::string& line) {
  const std::size_t end = line.find(':');
  const std::string setting = line.substr(0, end);
  return end == std::string::npos || setting.find('#') != std::string::npos ? "" : setting;
}

TEST(ShippedFile, ExplainsEveryKeyWhereItFirstStands) {
  std::ifstream file(kPath);
  std::set<std::string> seen;
  bool explained = false;
  for (std::string line; std::getline(file, line);) {
    const std::string setting = setting_of(line);
    if (!setting.empty() && seen.insert(setting).second) {
      EXPECT_TRUE(explained) << line;
    }
    const std::size_t start = line.find_first_not_of(' ');
    explained = start != std::string::npos && line.compare(start, 2, "# ") == 0;
  }
  EXPECT_TRUE(seen.contains("    terminate_grace"));
}

TEST(SchemaKeys, AreDottedPathsThroughSectionsAndLists) {
  const std::vector<std::string> keys = schema_keys();
  for (const char* const key :
       {"mode",
        "polling",
        "polling.interval",
        "rules",
        "rules[].for",
        "rules[].match",
        "rules[].match.state",
        "incidents.max_bytes"})
    EXPECT_EQ(std::count(keys.begin(), keys.end(), key), 1) << key;
}

TEST(Defaults, PassEveryCheck) {
  EXPECT_EQ(check(default_settings()), std::vector<Finding>{});
}

TEST(Defaults, SendNoSignal) {
  EXPECT_EQ(default_settings().mode, Mode::observe);
}

TEST(Loading, NeverBreaksOnADamagedFile) {
  const std::string whole = with_examples();
  const auto lines = std::count(whole.begin(), whole.end(), '\n');
  constexpr std::uint64_t seed = 15290;
  std::mt19937_64 random(seed);
  const std::string bytes =
      "\n\t :-#[]{},&*!|>'\"%@`?/\\\0\xFF"
      "09azAZ"s;
  std::size_t refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::string text = whole;
    for (auto edits = random() % 4 + 1; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text[at] = bytes[random() % bytes.size()]; break;
        case 1: text.insert(at, 1, bytes[random() % bytes.size()]); break;
        default: text.erase(at, random() % 40); break;
      }
    }
    const LoadedConfig loaded = parse_config(text, "f");
    if (!loaded.ok()) ++refused;
    for (const ConfigProblem& problem : loaded.problems) {
      ASSERT_GE(problem.line, 0);
      ASSERT_LE(problem.line, lines + 8) << to_string(problem);
      ASSERT_FALSE(problem.message.empty());
    }
    if (loaded.ok()) {
      ASSERT_EQ(check(loaded.settings), std::vector<Finding>{});
    }
  }
  EXPECT_GT(refused, 30U);
}

TEST(ShippedFile, TheExampleOfAWebConfigurationLacksOnlyAHash) {
  const char* const path = PGHANG_SOURCE_DIR "/config/web.example.yml";
  EXPECT_TRUE(load_web_config(path).problems.empty());
  std::string whole;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    // A comment has one blank after its mark.
    const std::size_t mark = line.find('#');
    const bool comment = line.find_first_not_of(' ', mark + 1) == mark + 2;
    if (mark != std::string::npos && !comment) line.erase(mark, 1);
    whole += line + "\n";
  }
  LoadedWebConfig loaded = parse_web_config(whole, path);
  EXPECT_EQ(loaded.config.tls_server_config.client_auth_type, ClientAuth::require_and_verify);
  EXPECT_EQ(loaded.config.rate_limit.burst, 20U);
  const std::vector<ConfigProblem> problems = loaded.problems.take();
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems.front().key, "basic_auth_users[0]");
}

}  // namespace
}  // namespace pghang
