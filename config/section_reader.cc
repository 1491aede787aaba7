#include "config/section_reader.h"

#include <algorithm>
#include <cctype>

#include "config/encoding.h"
#include "config/nearest.h"

namespace pghang {

namespace {

constexpr std::size_t kLongestKey = 40;

/// Anything else may be a connection string with a colon in it, and is not repeated.
bool may_be_shown(const std::string& key) {
  return !key.empty() && key.size() <= kLongestKey &&
         std::all_of(key.begin(), key.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '_' || c == '-';
         });
}

std::string join(const std::string& outer, const std::string& key) {
  return outer.empty() ? key : outer + "." + key;
}

template <typename Out, typename In>
void assign(Out& out, const std::optional<In>& value) {
  if (value) out = static_cast<Out>(*value);
}

void assign(std::optional<std::uint32_t>& out, const std::optional<std::uint64_t>& value) {
  if (value) out = static_cast<std::uint32_t>(*value);
}

}  // namespace

SectionReader::SectionReader(const YamlValue& section, const std::vector<std::string>& schema)
    : section_(section),
      schema_(schema),
      entries_(section.node.entries) {
  const YamlNode::Kind kind = section.node.kind;
  if (kind != YamlNode::Kind::map && kind != YamlNode::Kind::null) wrong_kind(section, "a map");
  if (entries_.size() <= kLongestList) return;
  section.problem("has more than " + std::to_string(kLongestList) + " keys");
  entries_ = {};
}

void SectionReader::duration(const char* key, Duration& out, DurationRange range) {
  if (const auto value = find(key)) assign(out, read_duration(*value, range));
}

void SectionReader::duration(const char* key, std::optional<Duration>& out, DurationRange range) {
  if (const auto value = find(key)) assign(out, read_duration(*value, range));
}

void SectionReader::number(const char* key, std::uint32_t& out, NumberRange range) {
  if (const auto value = find(key)) assign(out, read_number(*value, range));
}

void SectionReader::number(const char* key, std::optional<std::uint32_t>& out, NumberRange range) {
  if (const auto value = find(key)) assign(out, read_number(*value, range));
}

void SectionReader::size(const char* key, std::uint32_t& out, NumberRange range) {
  if (const auto value = find(key)) assign(out, read_size(*value, range));
}

void SectionReader::size(const char* key, std::uint64_t& out, NumberRange range) {
  if (const auto value = find(key)) assign(out, read_size(*value, range));
}

void SectionReader::flag(const char* key, bool& out) {
  if (const auto value = find(key)) assign(out, read_flag(*value));
}

void SectionReader::flag(const char* key, std::optional<bool>& out) {
  if (const auto value = find(key)) assign(out, read_flag(*value));
}

void SectionReader::text(const char* key, std::string& out) {
  if (const auto value = find(key)) assign(out, read_text(*value));
}

void SectionReader::texts(const char* key, std::vector<std::string>& out) {
  if (const auto value = find(key)) assign(out, read_texts(*value));
}

void SectionReader::texts(const char* key, std::optional<std::vector<std::string>>& out) {
  const auto value = find(key);
  if (!value) return;
  if (auto texts = read_texts(*value)) out = std::move(*texts);
}

void SectionReader::block(const char* key, std::string& out) {
  if (const auto value = find(key)) assign(out, read_block(*value));
}

void SectionReader::named_texts(const char* key, std::vector<NamedText>& out) {
  const auto value = find(key);
  if (!value || value->node.kind == YamlNode::Kind::null) return;
  if (value->node.kind != YamlNode::Kind::map) return wrong_kind(*value, "a map");
  const std::vector<YamlEntry>& entries = value->node.entries;
  if (entries.size() > kLongestList)
    return value->problem("has more than " + std::to_string(kLongestList) + " keys");
  for (const YamlEntry& entry : entries) {
    const YamlValue text{
        entry.value,
        value->key + "[" + std::to_string(out.size()) + "]",
        value->problems};
    value->problems.locate(text.key, entry.line);
    if (std::ranges::find(out, entry.key, &NamedText::name) != out.end())
      text.problem("the same name is there already");
    out.push_back({entry.key, read_text(text).value_or("")});
  }
}

void SectionReader::criterion(const char* key, TextCriterion& out) {
  const auto value = find(key);
  if (!value) return;
  if (value->node.kind != YamlNode::Kind::map) {
    assign(out.include, read_patterns(*value));
    return;
  }
  SectionReader map(*value, schema_);
  map.patterns("include", out.include);
  map.patterns("exclude", out.exclude);
  map.finish();
}

void SectionReader::finish() const {
  for (const YamlEntry& entry : entries_) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    if (may_be_shown(entry.key)) {
      section_.problems
          .add_at(entry.line, join(section_.key, entry.key), "unknown key" + hint(entry.key));
    } else {
      section_.problems.add_at(entry.line, section_.key, "holds something that is not a key");
    }
  }
}

std::optional<YamlValue> SectionReader::find(const char* key) {
  known_.emplace_back(key);
  const std::string path = join(section_.key, key);
  const YamlEntry* found = nullptr;
  for (const YamlEntry& entry : entries_) {
    if (entry.key != key) continue;
    if (found == nullptr) {
      found = &entry;
    } else {
      section_.problems
          .add_at(entry.line, path, "is already set on line " + std::to_string(found->line));
    }
  }
  if (found == nullptr) return std::nullopt;
  section_.problems.locate(path, found->line);
  return YamlValue{found->value, path, section_.problems};
}

void SectionReader::patterns(const char* key, std::vector<Pattern>& out) {
  if (const auto value = find(key)) assign(out, read_patterns(*value));
}

void SectionReader::refuse_element(
    const YamlValue& value,
    std::size_t index,
    const std::string& text,
    const Error& error
) {
  const std::string words = in_quotes(text) + " " + error.context;
  if (value.node.kind == YamlNode::Kind::list) {
    const std::string key = value.key + "[" + std::to_string(index) + "]";
    value.problems.add_at(value.node.items[index].line, key, words);
  } else {
    value.problem(words);
  }
}

std::string SectionReader::hint(const std::string& unknown) const {
  std::vector<std::string> homes;
  for (const std::string& path : schema_) {
    const std::size_t dot = path.rfind('.');
    if (dot != std::string::npos && path.compare(dot + 1, std::string::npos, unknown) == 0)
      homes.push_back(path.substr(0, dot));
  }
  if (!homes.empty()) return " here; it belongs in " + ticked(homes);
  const std::string suggestion = did_you_mean(unknown, known_);
  return suggestion.empty() ? "; known are " + ticked(known_) : suggestion;
}

}  // namespace pghang
