#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the pages one level below `/` are made of. HTML without scripts; links are relative, so a
/// reverse proxy may put the pages anywhere. Everything called `html` is markup already; everything
/// else is foreign text, and escaped.
namespace pghang {

/// From the doctype to the heading.
[[nodiscard]] std::string page_begin(std::string_view title);

/// Links to these paths (relative, with their words), and the end of the document.
[[nodiscard]] std::string page_end(const std::vector<std::pair<std::string, std::string>>& links);

/// A heading over `html`; nothing where there is none.
[[nodiscard]] std::string section(std::string_view heading, const std::string& html);

/// Text that is laid out already: scrolls by itself on a narrow screen. Nothing for empty text.
[[nodiscard]] std::string laid_out(std::string_view text);

/// A name and its value a row; those without a value are left out.
[[nodiscard]] std::string definitions(const std::vector<std::pair<std::string, std::string>>& rows);

/// `<a href="URL">words</a>`.
[[nodiscard]] std::string link(std::string_view url, std::string_view words);

/// `2026-11-22 15:12:03 UTC` as a `<time>` for programs too.
[[nodiscard]] std::string moment(std::int64_t unix_micros);

/// Of an enumerator's spelling: underscores become spaces.
[[nodiscard]] std::string spaced(std::string_view spelling);

/// What style_sheet() lacks for these pages; it goes behind it.
[[nodiscard]] const char* detail_style_sheet();

}  // namespace pghang
