#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pghang {

/// The candidate with the fewest edits (insert, delete, replace, swap of neighbours) from `word`;
/// `-` counts as `_` and case does not count. Nothing when even the best is so far away that it
/// would be a guess.
[[nodiscard]] std::optional<std::string>
nearest(std::string_view word, std::span<const std::string> candidates);

/// "; did you mean `x`?", or nothing.
[[nodiscard]] std::string
did_you_mean(std::string_view word, std::span<const std::string> candidates);

}  // namespace pghang
