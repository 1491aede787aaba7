#include "config/values.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "config/encoding.h"
#include "config/nearest.h"
#include "config/pattern.h"
#include "config/units.h"

namespace pghang {

namespace {

const char* name_of(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::null: return "empty";
    case YamlNode::Kind::scalar: return "a single value";
    case YamlNode::Kind::list: return "a list";
    case YamlNode::Kind::map: return "a map";
  }
  return "empty";
}

/// Null after reporting when the value is no scalar.
const std::string* scalar(const YamlValue& at, const std::string& wanted) {
  if (at.node.kind == YamlNode::Kind::scalar) return &at.node.text;
  wrong_kind(at, wanted);
  return nullptr;
}

template <typename T, typename Range, typename Format>
std::optional<T> within(const YamlValue& at, T value, Range range, Format format) {
  if (value >= range.min && value <= range.max) return value;
  at.problem(
      in_quotes(at.node.text) + " is out of range; it must be from " + format(range.min) + " to " +
      format(range.max)
  );
  return std::nullopt;
}

/// Reads a list, or one value that stands for a list of one. All or nothing.
template <typename T, typename Read>
std::optional<std::vector<T>> read_each(const YamlValue& at, Read read) {
  std::vector<T> values;
  if (at.node.kind == YamlNode::Kind::scalar) {
    if (auto value = read(at)) values.push_back(std::move(*value));
    return values.empty() ? std::nullopt : std::optional(std::move(values));
  }
  if (!expect_list(at)) return std::nullopt;
  for (std::size_t i = 0; i < at.node.items.size(); ++i) {
    const YamlValue item{at.node.items[i], at.key + "[" + std::to_string(i) + "]", at.problems};
    item.problems.locate(item.key, item.node.line);
    auto value = read(item);
    if (value) values.push_back(std::move(*value));
  }
  if (values.size() != at.node.items.size()) return std::nullopt;
  return values;
}

std::optional<Pattern> read_pattern(const YamlValue& at) {
  const auto text = read_text(at);
  if (!text) return std::nullopt;
  const auto pattern = parse_pattern(*text);
  if (pattern) return *pattern;
  at.problem(in_quotes(*text) + " " + pattern.error().context);
  return std::nullopt;
}

}  // namespace

std::optional<Duration> read_duration(const YamlValue& at, DurationRange range) {
  const std::string* const text = scalar(at, "a duration like 30s or 5min");
  if (text == nullptr) return std::nullopt;
  const auto duration = parse_duration(*text);
  if (!duration) {
    at.problem(in_quotes(*text) + " " + duration.error().context);
    return std::nullopt;
  }
  return within(at, *duration, range, format_duration);
}

std::optional<std::uint64_t> read_number(const YamlValue& at, NumberRange range) {
  const std::string* const text = scalar(at, "a number");
  if (text == nullptr) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, number);
  if (error == std::errc::invalid_argument || rest != end) {
    at.problem(in_quotes(*text) + " is not a whole number");
    return std::nullopt;
  }
  if (error != std::errc{}) number = UINT64_MAX;
  return within(at, number, range, [](std::uint64_t n) { return std::to_string(n); });
}

std::optional<std::uint64_t> read_size(const YamlValue& at, NumberRange range) {
  const std::string* const text = scalar(at, "a size like 64kB or 8MB");
  if (text == nullptr) return std::nullopt;
  const auto size = parse_size(*text);
  if (!size) {
    at.problem(in_quotes(*text) + " " + size.error().context);
    return std::nullopt;
  }
  return within(at, *size, range, format_size);
}

std::optional<bool> read_flag(const YamlValue& at) {
  const std::string* const text = scalar(at, "true or false");
  if (text == nullptr) return std::nullopt;
  if (*text == "true") return true;
  if (*text == "false") return false;
  at.problem(in_quotes(*text) + " is neither true nor false");
  return std::nullopt;
}

std::optional<std::string> read_text(const YamlValue& at) {
  const std::string* const text = scalar(at, "text");
  if (text == nullptr) return std::nullopt;
  if (text->size() > kLongestText) {
    at.problem("is longer than " + std::to_string(kLongestText) + " bytes");
    return std::nullopt;
  }
  if (std::any_of(text->begin(), text->end(), is_control)) {
    at.problem("holds a control character");
    return std::nullopt;
  }
  return *text;
}

std::optional<std::string> read_block(const YamlValue& at) {
  const std::string* const text = scalar(at, "text");
  return text == nullptr ? std::nullopt : std::optional(*text);
}

std::optional<std::size_t> read_choice(const YamlValue& at, std::span<const std::string> choices) {
  const std::string* const text = scalar(at, "one of " + ticked(choices));
  if (text == nullptr) return std::nullopt;
  const auto found = std::find(choices.begin(), choices.end(), *text);
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  at.problem(in_quotes(*text) + " is not one of " + ticked(choices) + did_you_mean(*text, choices));
  return std::nullopt;
}

std::optional<std::vector<std::size_t>>
read_choices(const YamlValue& at, std::span<const std::string> choices) {
  auto indexes =
      read_each<std::size_t>(at, [&](const YamlValue& one) { return read_choice(one, choices); });
  if (!indexes) return std::nullopt;
  for (std::size_t i = 0; i < indexes->size(); ++i) {
    const auto end = indexes->begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(indexes->begin(), end, (*indexes)[i]) == end) continue;
    at.problem("names `" + choices[(*indexes)[i]] + "` twice");
    return std::nullopt;
  }
  return indexes;
}

Result<std::int64_t> parse_query_id(std::string_view text) {
  std::int64_t id = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error == std::errc{} && rest == text.data() + text.size()) return id;
  return Error{.code = Errc::malformed, .context = "is not a whole number of 64 bits"};
}

std::optional<std::vector<std::string>> read_texts(const YamlValue& at) {
  return read_each<std::string>(at, read_text);
}

std::optional<std::vector<Pattern>> read_patterns(const YamlValue& at) {
  return read_each<Pattern>(at, read_pattern);
}

void wrong_kind(const YamlValue& at, const std::string& wanted) {
  at.problem("must be " + wanted + ", but is " + name_of(at.node.kind));
}

bool expect_list(const YamlValue& at) {
  if (at.node.kind != YamlNode::Kind::list) {
    wrong_kind(at, "a list");
    return false;
  }
  if (at.node.items.size() <= kLongestList) return true;
  at.problem("has more than " + std::to_string(kLongestList) + " elements");
  return false;
}

std::string ticked(std::span<const std::string> words) {
  std::string result;
  for (const std::string& word : words)
    result += (result.empty() ? "`" : ", `") + word + "`";
  return result;
}

}  // namespace pghang
