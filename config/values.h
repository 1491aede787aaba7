#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.h"
#include "config/result.h"
#include "config/settings.h"
#include "config/yaml_tree.h"

/// One value of the file read into one setting. Each function leaves its target alone and reports
/// to `at.problems` when the value is not what is wanted.
namespace pghang {

/// A value, and where it stands.
struct YamlValue {
  const YamlNode& node;
  std::string key;
  Problems& problems;

  void problem(std::string message) const { problems.add_at(node.line, key, std::move(message)); }
};

struct DurationRange {
  Duration min;
  Duration max;
};

struct NumberRange {
  std::uint64_t min;
  std::uint64_t max;
};

/// Bytes of the longest text.
inline constexpr std::size_t kLongestText = 1024;
/// Elements of the longest list, keys of the longest map.
inline constexpr std::size_t kLongestList = 100;

[[nodiscard]] std::optional<Duration> read_duration(const YamlValue& at, DurationRange range);
/// A plain number.
[[nodiscard]] std::optional<std::uint64_t> read_number(const YamlValue& at, NumberRange range);
/// Bytes, as parse_size() has them.
[[nodiscard]] std::optional<std::uint64_t> read_size(const YamlValue& at, NumberRange range);
[[nodiscard]] std::optional<bool> read_flag(const YamlValue& at);
/// Never shows the text in a problem: it may be a connection string.
[[nodiscard]] std::optional<std::string> read_text(const YamlValue& at);
/// The same of several lines, in a file of its own length.
[[nodiscard]] std::optional<std::string> read_block(const YamlValue& at);
/// A queryid of pg_stat_activity: a whole number of 64 bits, with its sign.
[[nodiscard]] Result<std::int64_t> parse_query_id(std::string_view text);
/// The index of the choice that was written.
[[nodiscard]] std::optional<std::size_t>
read_choice(const YamlValue& at, std::span<const std::string> choices);
/// The index of each choice of a list, none twice; one alone may stand for a list of one.
[[nodiscard]] std::optional<std::vector<std::size_t>>
read_choices(const YamlValue& at, std::span<const std::string> choices);
/// A list of texts; one alone may stand for a list of one.
[[nodiscard]] std::optional<std::vector<std::string>> read_texts(const YamlValue& at);
/// Patterns: one, or a list of them.
[[nodiscard]] std::optional<std::vector<Pattern>> read_patterns(const YamlValue& at);

/// Reports that the value is not `wanted` ("a list"), and what it is instead.
void wrong_kind(const YamlValue& at, const std::string& wanted);
/// Whether the value is a list of at most kLongestList elements; reports it when not.
[[nodiscard]] bool expect_list(const YamlValue& at);
/// "`a`, `b`"
[[nodiscard]] std::string ticked(std::span<const std::string> words);

}  // namespace pghang
