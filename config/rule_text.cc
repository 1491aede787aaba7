#include "config/rule_text.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/schema.h"
#include "config/units.h"

namespace pghang {
namespace {

std::string words(const std::string& text) {
  return '"' + text + '"';
}

std::string words(const Pattern& pattern) {
  return words((pattern.is_regex ? "/" : "") + pattern.text);
}

std::string words(Duration duration) {
  return format_duration(duration);
}

template <typename T>
std::string words(const std::optional<T>& value);
template <typename T>
std::string words(const std::vector<T>& values);

template <typename T>
std::string words(const T& value) {
  if constexpr (requires { value.include; }) {
    return words(value.include) + " but " + words(value.exclude);
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else {
    return to_string(value);
  }
}

template <typename T>
std::string words(const std::optional<T>& value) {
  return value ? words(*value) : "none";
}

template <typename T>
std::string words(const std::vector<T>& values) {
  std::string all = "[";
  for (const T& value : values)
    all += words(value) + ' ';
  return all + ']';
}

/// A visitor of the schema that notes each key with its value.
class RuleWriter {
 public:
  explicit RuleWriter(std::string prefix) : prefix_(std::move(prefix)) {}

  template <typename T, typename... Rest>
  void note(const char* key, const T& value, Rest&&...) {
    lines_.push_back(prefix_ + key + ": " + words(value) + '\n');
  }

#define PGHANG_NOTES(kind)                               \
  template <typename... Arguments>                       \
  void kind(const char* key, Arguments&&... arguments) { \
    note(key, std::forward<Arguments>(arguments)...);    \
  }
  PGHANG_NOTES(duration)
  PGHANG_NOTES(number)
  PGHANG_NOTES(size)
  PGHANG_NOTES(flag)
  PGHANG_NOTES(text)
  PGHANG_NOTES(texts)
  PGHANG_NOTES(each)
  PGHANG_NOTES(choice)
  PGHANG_NOTES(choices)
  PGHANG_NOTES(criterion)
#undef PGHANG_NOTES

  template <typename Section>
  void section(const char* key, Section& section) {
    RuleWriter inner(prefix_ + key + '.');
    describe(inner, section);
    lines_.insert(lines_.end(), inner.lines_.begin(), inner.lines_.end());
  }

  [[nodiscard]] const std::vector<std::string>& lines() const {
    return lines_;
  }

 private:
  std::string prefix_;
  std::vector<std::string> lines_;
};

std::vector<std::string> lines_of(Rule& rule) {
  RuleWriter writer("");
  describe(writer, rule);
  return writer.lines();
}

}  // namespace

std::string rule_text(Rule rule) {
  Rule without;
  const std::vector<std::string> defaults = lines_of(without);
  const std::vector<std::string> lines = lines_of(rule);
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] != defaults[i]) text += lines[i];
  }
  return text;
}

}  // namespace pghang
