#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What pages are made of. Links are relative, so a reverse proxy may put the pages anywhere: `up`
/// leads from a page to `/` and is empty or `../`. Everything called `html` is markup already;
/// everything else is foreign text, and escaped.
namespace pghang {

/// From the doctype to the beginning of the content, the only part (with the page's foot) that
/// changes while it is open: assets/refresh.js replaces both by what a later answer has there.
[[nodiscard]] std::string page_begin(std::string_view title, std::string_view up);

/// Links to these paths (relative, with their words), and the end of the document.
[[nodiscard]] std::string page_end(const std::vector<std::pair<std::string, std::string>>& links);

/// A heading over `html`; nothing where there is none. `id` names it for links and scripts.
[[nodiscard]] std::string
section(std::string_view id, std::string_view heading, const std::string& html);

/// Text that is laid out already: scrolls by itself on a narrow screen. Nothing for empty text.
[[nodiscard]] std::string laid_out(std::string_view name, std::string_view text);

/// A box that scrolls sideways by itself; `name` is for whoever does not see it.
[[nodiscard]] std::string scrolling(std::string_view name, const std::string& html);

/// A table with these column headings; `rows` are markup. Scrolls by itself.
[[nodiscard]] std::string
table(std::string_view name, const std::vector<std::string>& columns, const std::string& rows);

/// A name and its value a row; those without a value are left out.
[[nodiscard]] std::string definitions(const std::vector<std::pair<std::string, std::string>>& rows);

[[nodiscard]] std::string paragraph(std::string_view words);

/// `<a href="URL">words</a>`.
[[nodiscard]] std::string link(std::string_view url, std::string_view words);

/// `2026-11-22 15:12:03 UTC` as a `<time>` for programs too.
[[nodiscard]] std::string moment(std::int64_t unix_micros);

/// Of an enumerator's spelling: underscores become spaces.
[[nodiscard]] std::string spaced(std::string_view spelling);

/// `1 backend`, `2 backends`.
[[nodiscard]] std::string counted(std::size_t count, std::string_view one, std::string_view many);

/// age_text() of microseconds.
[[nodiscard]] std::string duration_text(std::int64_t micros);

}  // namespace pghang
