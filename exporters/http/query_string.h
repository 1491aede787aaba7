#pragma once

#include <map>
#include <string>
#include <string_view>

#include "config/result.h"

namespace pghang {

/// `for=1h&reason=a%20b` as keys and values, percent-decoded, `+` as a space (the
/// application/x-www-form-urlencoded of the URL standard). Malformed: a key twice, a broken escape,
/// a control character.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_query(std::string_view query);

/// One value for parse_query().
[[nodiscard]] std::string query_encoded(std::string_view text);

}  // namespace pghang
