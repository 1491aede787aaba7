#pragma once

#include <string>
#include <string_view>

namespace pghang {

/// Query text as it may be shown (DESIGN section 8): every string, dollar-quoted, numeric and bit
/// constant is replaced by `?`, comments are dropped; where the text ends inside a literal it is
/// cut there and `…` appended. Never returns a constant of the input.
[[nodiscard]] std::string mask_query(std::string_view query);

}  // namespace pghang
