#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pghang {

/// Valid UTF-8 (RFC 3629) of at most `limit` bytes: every byte that is not part of a well-formed
/// character becomes `?`, and the cut is never inside a character. Query texts of databases with
/// another encoding come as they are, and JSON and logs may hold only UTF-8.
[[nodiscard]] std::string valid_utf8(std::string_view bytes, std::size_t limit = std::string::npos);

}  // namespace pghang
