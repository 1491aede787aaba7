#include "config/encoding.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace pghang {

namespace {

constexpr std::size_t kMostQuoted = 60;

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
}

/// Bytes of the character at the front of `text`, by its first byte; 0 when none starts so.
std::size_t announced_length(unsigned char first) {
  if (first < 0x80) return 1;
  if ((first & 0xE0U) == 0xC0) return 2;
  if ((first & 0xF0U) == 0xE0) return 3;
  if ((first & 0xF8U) == 0xF0) return 4;
  return 0;
}

/// Length of the valid character at the front of `text`; 0 when there is none.
std::size_t character_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = announced_length(first);
  if (length <= 1 || length > text.size()) return length == 1 ? 1 : 0;
  std::uint32_t code = first & (0x7FU >> length);
  for (const char c : text.substr(1, length - 1)) {
    if (!is_continuation(c)) return 0;
    code = (code << 6U) | (static_cast<unsigned char>(c) & 0x3FU);
  }
  constexpr std::array<std::uint32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest.at(length) || code > 0x10FFFF) return 0;
  if (code >= 0xD800 && code <= 0xDFFF) return 0;
  return length;
}

}  // namespace

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

std::optional<BadByte> find_bad_byte(std::string_view text) {
  int line = 1;
  while (!text.empty()) {
    const char c = text.front();
    if (c == '\n') ++line;
    if (is_control(c) && c != '\n' && c != '\r' && c != '\t')
      return BadByte{.line = line, .why = "a control character; is this a text file?"};
    const std::size_t length = character_length(text);
    if (length == 0) return BadByte{.line = line, .why = "is not UTF-8"};
    text.remove_prefix(length);
  }
  return std::nullopt;
}

std::string in_quotes(std::string_view text) {
  std::string_view shown = text.substr(0, kMostQuoted);
  const bool cut = shown.size() < text.size();
  while (cut && !shown.empty() && is_continuation(text[shown.size()]))
    shown.remove_suffix(1);
  std::string result = "\"";
  std::transform(shown.begin(), shown.end(), std::back_inserter(result), [](char c) {
    return is_control(c) ? '?' : c;
  });
  return result + (cut ? "…\"" : "\"");
}

}  // namespace pghang
