#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// Foreign text and times as they are published.
namespace pghang {

/// `text` with each byte that is not part of well-formed UTF-8 (RFC 3629) replaced by U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view text);

/// For element content and quoted attribute values; also valid UTF-8, control characters replaced,
/// and those that turn the text around them shown by name (`[U+202E]`).
[[nodiscard]] std::string html_escaped(std::string_view text);

/// `2026-11-22T15:12:03.123456Z` of microseconds since the unix epoch. Times outside the years 0 to
/// 9999, which the format cannot tell, become the nearest inside.
[[nodiscard]] std::string rfc3339(std::int64_t unix_micros);

/// `Sun, 22 Nov 2026 15:12:03 GMT` (RFC 9110 section 5.6.7) of microseconds since the unix epoch.
[[nodiscard]] std::string http_date(std::int64_t unix_micros);

/// `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`; rounded down, never negative.
[[nodiscard]] std::string age_text(double seconds);

}  // namespace pghang
