#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// Small text helpers of this folder.
namespace pghang::text {

/// What stands for a placeholder.
using Values = std::map<std::string, std::string, std::less<>>;

/// Puts values for `{name}` in `pattern`, once: a value's own braces stay. A name without a value
/// stays as it is written.
[[nodiscard]] std::string expand(std::string_view pattern, const Values& values);

/// Whether every `{name}` in `pattern` has a value that is not empty.
[[nodiscard]] bool has_values(std::string_view pattern, const Values& values);

/// Foreign text for a terminal: control characters become `?`.
[[nodiscard]] std::string printable(std::string_view foreign);

/// One word for a POSIX shell: as it is where harmless, else in single quotes.
[[nodiscard]] std::string shell_word(std::string_view word);

/// Breaks at spaces into lines of at most `width` characters (UTF-8 code points); a longer word
/// stays whole.
[[nodiscard]] std::vector<std::string> wrap(std::string_view words, std::size_t width);

[[nodiscard]] std::string
join(const std::vector<std::string>& parts, std::string_view separator = ", ");

/// The file name of a path.
[[nodiscard]] std::string base_name(std::string_view path);

/// `0.04 s`, `12 s`, `3 min`, `2 h`.
[[nodiscard]] std::string seconds(double value);

/// `2026-11-22 15:12:03 UTC`.
[[nodiscard]] std::string utc(std::int64_t unix_micros);

}  // namespace pghang::text
