#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/evidence/process.h"
#include "config/result.h"

/// What the parsers of /proc share.
namespace pghang {

/// Takes the next line off `text`, without its newline.
[[nodiscard]] std::string_view take_line(std::string_view& text);

/// Takes the next word off `text`; blanks before it go. Empty at the end.
[[nodiscard]] std::string_view take_word(std::string_view& text);

/// Without blanks at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// The whole of `text` as a number, or nothing.
template <typename T>
[[nodiscard]] std::optional<T> to_number(std::string_view text, int base = 10) {
  T value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

/// `0x...` as a number, or nothing.
[[nodiscard]] std::optional<std::uint64_t> to_address(std::string_view text);

/// `254:0`.
struct DeviceNumber {
  std::uint32_t major_number = 0;
  std::uint32_t minor_number = 0;
};

[[nodiscard]] std::optional<DeviceNumber> parse_device(std::string_view text, int base);

/// proc(5)'s letter; `unknown` for one we do not know.
[[nodiscard]] ProcessState to_state(char letter);

/// `\040` and its like become the byte they stand for.
[[nodiscard]] std::string decode_octal_escapes(std::string_view text);

/// Says which file did not parse.
[[nodiscard]] Error malformed(const std::string& what);

}  // namespace pghang
