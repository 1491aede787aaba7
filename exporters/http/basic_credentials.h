#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pghang {

struct BasicCredentials {
  std::string user;
  std::string password;

  friend bool operator==(const BasicCredentials&, const BasicCredentials&) = default;
};

/// Of the value of an Authorization header (RFC 7617). Nothing for any other scheme, what is not
/// base64, has no colon, or holds a NUL, at which a C string would end.
[[nodiscard]] std::optional<BasicCredentials> parse_basic(std::string_view authorization);

/// RFC 4648 section 4, with its padding.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace pghang
