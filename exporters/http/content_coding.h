#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pghang {

/// Bodies of fewer bytes go out as they are: a packet less is nothing.
inline constexpr std::size_t kCompressedFrom = 1024;
/// So do larger ones: what a compression costs the loop is bounded. /metrics with 925 series (74 kB
/// to 7.5 kB) takes 0.2 ms, bytes that do not repeat at this size 7 ms.
inline constexpr std::size_t kCompressedUpTo = 256UL * 1024;

/// Whether a body of this size may go out compressed, to whoever accepts that.
[[nodiscard]] constexpr bool is_compressible(std::size_t size) {
  return size >= kCompressedFrom && size <= kCompressedUpTo;
}

/// Whether the value of Accept-Encoding (RFC 9110 section 12.5.3) prefers gzip to nothing: names
/// it, or `*`, with a weight above 0 and not below that of `identity`. What is malformed is not
/// taken.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);

/// `text` as a gzip stream (RFC 1952). Absent where it would not become smaller, or there is no
/// memory. Owns zlib.
[[nodiscard]] std::optional<std::string> gzip(std::string_view text);

}  // namespace pghang
