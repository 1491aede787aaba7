#include "diagnosis/text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace pghang::text {
namespace {

bool starts_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
}

std::size_t width_of(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(utf8, starts_character));
}

bool harmless(char byte) {
  const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
  return letter || (byte >= '0' && byte <= '9') ||
         std::string_view("/._-+:@%").find(byte) != std::string_view::npos;
}

}  // namespace

std::string expand(std::string_view pattern, const Values& values) {
  std::string expanded;
  while (!pattern.empty()) {
    const auto open = pattern.find('{');
    expanded += pattern.substr(0, open);
    if (open == std::string_view::npos) break;
    pattern.remove_prefix(open);
    const auto close = pattern.find('}');
    const auto value =
        close == std::string_view::npos ? values.end() : values.find(pattern.substr(1, close - 1));
    if (value == values.end()) {
      expanded += '{';
      pattern.remove_prefix(1);
    } else {
      expanded += value->second;
      pattern.remove_prefix(close + 1);
    }
  }
  return expanded;
}

bool has_values(std::string_view pattern, const Values& values) {
  for (auto open = pattern.find('{'); open != std::string_view::npos;
       open = pattern.find('{', open + 1)) {
    const auto close = pattern.find('}', open);
    if (close == std::string_view::npos) return true;
    const auto value = values.find(pattern.substr(open + 1, close - open - 1));
    if (value == values.end() || value->second.empty()) return false;
  }
  return true;
}

std::string printable(std::string_view foreign) {
  std::string clean(foreign);
  std::ranges::replace_if(
      clean,
      [](char byte) { return static_cast<unsigned char>(byte) < 0x20U || byte == 0x7F; },
      '?'
  );
  return clean;
}

std::string shell_word(std::string_view word) {
  if (!word.empty() && std::ranges::all_of(word, harmless)) return std::string(word);
  std::string quoted = "'";
  for (const char byte : word) {
    if (byte == '\'') {
      quoted += R"('\'')";
    } else {
      quoted += byte;
    }
  }
  return quoted + "'";
}

std::vector<std::string> wrap(std::string_view words, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  while (!words.empty()) {
    const auto space = std::min(words.find(' '), words.size());
    const std::string_view word = words.substr(0, space);
    words.remove_prefix(std::min(space + 1, words.size()));
    if (word.empty()) continue;
    if (!line.empty() && width_of(line) + 1 + width_of(word) > width) {
      lines.push_back(line);
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) joined += separator;
    joined += part;
  }
  return joined;
}

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string seconds(double value) {
  std::array<char, 32> buffer{};
  if (value < 10) {
    std::snprintf(buffer.data(), buffer.size(), "%.2f s", value);
  } else if (value < 120) {
    std::snprintf(buffer.data(), buffer.size(), "%.0f s", value);
  } else if (value < 7200) {
    std::snprintf(buffer.data(), buffer.size(), "%.0f min", value / 60);
  } else {
    std::snprintf(buffer.data(), buffer.size(), "%.0f h", value / 3600);
  }
  return buffer.data();
}

std::string utc(std::int64_t unix_micros) {
  const std::time_t at = unix_micros / 1'000'000;
  std::tm parts{};
  gmtime_r(&at, &parts);
  std::array<char, 40> buffer{};
  const std::size_t size = std::strftime(buffer.data(), buffer.size(), "%F %T UTC", &parts);
  return {buffer.data(), size};
}

}  // namespace pghang::text
