#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pghang {

struct BadByte {
  int line = 1;
  std::string why;
};

/// The first place where `text` is not UTF-8 (RFC 3629: no overlong forms, no surrogates) or holds
/// a control character other than tab and line ends.
[[nodiscard]] std::optional<BadByte> find_bad_byte(std::string_view text);

/// `text` for a message: in double quotes, control characters as `?`, cut after 60 bytes at a
/// character's border.
[[nodiscard]] std::string in_quotes(std::string_view text);

[[nodiscard]] bool is_control(char c);

}  // namespace pghang
