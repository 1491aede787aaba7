#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace pghang {

/// JSON as people read it: two-space indentation, whatever fits into 100 columns on one line,
/// shortest round-trip numbers (Boost's own writer prints 1.5E0). No newline at the end.
[[nodiscard]] std::string json_text(const boost::json::value& value);

/// A string value that is valid UTF-8 whatever the bytes.
[[nodiscard]] boost::json::value json_string(std::string_view text);
/// The same, null when empty.
[[nodiscard]] boost::json::value json_string_or_null(std::string_view text);
/// Null unless finite: JSON has no NaN.
[[nodiscard]] boost::json::value json_number(double value);

}  // namespace pghang
