#pragma once

#include <cstddef>
#include <string>

namespace pghang {

/// Markup, quotes, NUL, a broken UTF-8 sequence and U+202E, as a client may name its session.
inline const std::string kForeignText =
    "\"'></script><script>alert(1)</script><img src=x onerror=alert(2)>" +
    std::string{'\0', '\xFF', '\xE2', '\x80', '\xAE'};

/// The page has it as text only, and nothing else that its policy forbids.
void expect_harmless(const std::string& page);

/// How often a page has these words.
[[nodiscard]] std::size_t occurrences(const std::string& page, const std::string& words);

}  // namespace pghang
