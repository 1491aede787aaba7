#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/result.h"
#include "config/settings.h"
#include "config/values.h"
#include "config/web_config.h"

namespace pghang {

/// Reads one map of the file into one struct, as config/schema.h describes it: for every key that
/// is there the setting is assigned, the others keep their default. An empty section is a map
/// without keys, so that all of its keys can be commented out.
class SectionReader {
 public:
  /// `schema`: schema_keys(), to say where a misplaced key belongs.
  SectionReader(const YamlValue& section, const std::vector<std::string>& schema);

  void duration(const char* key, Duration& out, DurationRange range);
  void duration(const char* key, std::optional<Duration>& out, DurationRange range);
  void number(const char* key, std::uint32_t& out, NumberRange range);
  void number(const char* key, std::optional<std::uint32_t>& out, NumberRange range);
  void size(const char* key, std::uint32_t& out, NumberRange range);
  void size(const char* key, std::uint64_t& out, NumberRange range);
  void flag(const char* key, bool& out);
  void flag(const char* key, std::optional<bool>& out);
  void text(const char* key, std::string& out);
  void texts(const char* key, std::vector<std::string>& out);
  void texts(const char* key, std::optional<std::vector<std::string>>& out);
  /// Text of several lines, as PEM is.
  void block(const char* key, std::string& out);
  /// A map whose keys are names of the file's own choice. Its elements are located by their index:
  /// neither names nor texts are repeated.
  void named_texts(const char* key, std::vector<NamedText>& out);
  void criterion(const char* key, TextCriterion& out);

  /// A criterion of values that `parse` makes of texts, as each() has them.
  template <typename T>
  void criterion(const char* key, Criterion<T>& out, Result<T> (*parse)(std::string_view)) {
    const auto value = find(key);
    if (!value) return;
    if (value->node.kind != YamlNode::Kind::map) {
      read_each(*value, out.include, parse);
      return;
    }
    SectionReader map(*value, schema_);
    map.each("include", out.include, parse);
    map.each("exclude", out.exclude, parse);
    map.finish();
  }

  /// `out`: an Enum, or an optional of one.
  template <typename Out, typename Enum, std::size_t N>
  void choice(const char* key, Out& out, const std::array<Enum, N>& all) {
    std::array<std::string, N> names;
    std::transform(all.begin(), all.end(), names.begin(), [](Enum one) { return to_string(one); });
    const auto value = find(key);
    if (!value) return;
    if (const auto index = read_choice(*value, names)) out = all.at(*index);
  }

  /// A list of values, each of which `parse` makes of a text; one alone may stand for a list of
  /// one. What does not parse is left out, after reporting it with the words of its error.
  template <typename T>
  void each(const char* key, std::vector<T>& out, Result<T> (*parse)(std::string_view)) {
    if (const auto value = find(key)) read_each(*value, out, parse);
  }

  /// A list of choices; one alone may stand for a list of one.
  template <typename Enum, std::size_t N>
  void choices(const char* key, std::vector<Enum>& out, const std::array<Enum, N>& all) {
    std::array<std::string, N> names;
    std::transform(all.begin(), all.end(), names.begin(), [](Enum one) { return to_string(one); });
    const auto value = find(key);
    if (!value) return;
    const auto indexes = read_choices(*value, names);
    if (!indexes) return;
    out.clear();
    for (const std::size_t index : *indexes)
      out.push_back(all.at(index));
  }

  template <typename Section>
  void section(const char* key, Section& out) {
    if (const auto value = find(key)) read(*value, out);
  }

  template <typename Section>
  void list(const char* key, std::vector<Section>& out) {
    const auto value = find(key);
    if (!value || !expect_list(*value)) return;
    out.clear();
    read_items(*value, out);
  }

  /// Absent stays absent; `[]` is an empty list.
  template <typename Section>
  void list(const char* key, std::optional<std::vector<Section>>& out) {
    const auto value = find(key);
    if (!value || !expect_list(*value)) return;
    out.emplace();
    read_items(*value, *out);
  }

  /// To be called when every key was asked for: what is left is unknown.
  void finish() const;

 private:
  [[nodiscard]] std::optional<YamlValue> find(const char* key);
  void patterns(const char* key, std::vector<Pattern>& out);

  template <typename T>
  static void
  read_each(const YamlValue& value, std::vector<T>& out, Result<T> (*parse)(std::string_view)) {
    const auto texts = read_texts(value);
    if (!texts) return;
    out.clear();
    for (std::size_t i = 0; i < texts->size(); ++i) {
      auto parsed = parse((*texts)[i]);
      if (parsed) {
        out.push_back(*std::move(parsed));
      } else {
        refuse_element(value, i, (*texts)[i], parsed.error());
      }
    }
  }

  static void refuse_element(
      const YamlValue& value,
      std::size_t index,
      const std::string& text,
      const Error& error
  );
  [[nodiscard]] std::string hint(const std::string& unknown) const;

  template <typename Section>
  void read_items(const YamlValue& value, std::vector<Section>& out) const {
    for (std::size_t i = 0; i < value.node.items.size(); ++i) {
      const YamlNode& item = value.node.items[i];
      const std::string item_key = value.key + "[" + std::to_string(i) + "]";
      value.problems.locate(item_key, item.line);
      read({item, item_key, value.problems}, out.emplace_back());
    }
  }

  template <typename Section>
  void read(const YamlValue& value, Section& out) const {
    SectionReader reader(value, schema_);
    describe(reader, out);
    reader.finish();
  }

  YamlValue section_;
  const std::vector<std::string>& schema_;
  std::span<const YamlEntry> entries_;
  std::vector<std::string> known_;
};

}  // namespace pghang
