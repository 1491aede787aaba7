#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace pghang {

struct MarkdownPage {
  std::string title;  ///< its first heading, as text
  std::string html;   ///< everything below, as markup
};

/// The URL of a link's target; empty: its words stay, without a link.
using LinkTarget = std::function<std::string(std::string_view target)>;

/// Of the Markdown that docs/runbooks is written in: headings (with their text in lower case as
/// id), paragraphs, tables, fenced blocks, `code`, **bold** and links. All text is escaped.
[[nodiscard]] MarkdownPage markdown_page(std::string_view text, const LinkTarget& target);

}  // namespace pghang
