#include "exporters/pages/markdown.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "exporters/pages/page.h"
#include "exporters/text.h"

namespace pghang {
namespace {

std::string element(const std::string& name, const std::string& html) {
  return "<" + name + ">" + html + "</" + name + ">";
}

/// What stands between the first `from` and the next `to` at the beginning of `text`, and takes all
/// of it; empty, and takes nothing, where `text` begins otherwise.
std::string_view take_between(std::string_view& text, std::string_view from, std::string_view to) {
  if (!text.starts_with(from)) return {};
  const std::size_t end = text.find(to, from.size());
  if (end == std::string_view::npos) return {};
  const std::string_view inner = text.substr(from.size(), end - from.size());
  text.remove_prefix(end + to.size());
  return inner;
}

std::string inline_html(std::string_view text, const LinkTarget& target) {
  std::string html;
  while (!text.empty()) {
    if (const auto code = take_between(text, "`", "`"); !code.empty()) {
      html += element("code", html_escaped(code));
    } else if (const auto bold = take_between(text, "**", "**"); !bold.empty()) {
      html += element("b", inline_html(bold, target));
    } else if (const auto words = take_between(text, "[", "]("); !words.empty()) {
      const std::size_t end = std::min(text.find(')'), text.size());
      const std::string url = target(text.substr(0, end));
      html += url.empty() ? inline_html(words, target) : link(url, words);
      text.remove_prefix(std::min(end + 1, text.size()));
    } else {
      const std::size_t plain = std::min(text.find_first_of("`*[", 1), text.size());
      html += html_escaped(text.substr(0, plain));
      text.remove_prefix(plain);
    }
  }
  return html;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

/// Of `| a | b |`; `\|` is no border.
std::vector<std::string> cells(std::string_view row) {
  std::vector<std::string> found;
  std::string cell;
  for (std::size_t i = 1; i < row.size(); ++i) {
    if (row[i] == '|') {
      found.emplace_back(trimmed(cell));
      cell.clear();
    } else if (row.substr(i).starts_with("\\|")) {
      cell += row[++i];
    } else {
      cell += row[i];
    }
  }
  return found;
}

std::string table_html(const std::vector<std::string_view>& lines, const LinkTarget& target) {
  const std::vector<std::string> columns = cells(lines.front());
  std::string rows;
  for (std::size_t i = 2; i < lines.size(); ++i) {  // the second is the line below the head
    std::string row;
    for (const std::string& cell : cells(lines[i]))
      row += element("td", inline_html(cell, target));
    rows += element("tr", row) + "\n";
  }
  return table(columns.empty() ? "" : columns.front(), columns, rows);
}

std::string heading_html(std::string_view words) {
  std::string id(words);
  std::ranges::transform(id, id.begin(), [](unsigned char c) {
    return c == ' ' ? '-' : static_cast<char>(std::tolower(c));
  });
  return "<h2 id=\"" + html_escaped(id) + "\">" + html_escaped(words) + "</h2>\n";
}

std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

std::string_view take_line(std::string_view& text) {
  const std::string_view line = first_line(text);
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

/// Lines from the front as long as `belongs` says so.
std::vector<std::string_view>
take_lines(std::string_view& text, const std::function<bool(std::string_view)>& belongs) {
  std::vector<std::string_view> lines;
  while (!text.empty() && belongs(first_line(text)))
    lines.push_back(take_line(text));
  return lines;
}

std::string joined(const std::vector<std::string_view>& lines, char between) {
  std::string text;
  for (const std::string_view line : lines)
    text.append(line) += between;
  return text;
}

bool continues_paragraph(std::string_view line) {
  return !line.empty() && !line.starts_with('|') && !line.starts_with('#') &&
         !line.starts_with("```");
}

}  // namespace

MarkdownPage markdown_page(std::string_view text, const LinkTarget& target) {
  MarkdownPage page;
  while (!text.empty()) {
    if (text.starts_with('|')) {
      const auto rows =
          take_lines(text, [](std::string_view line) { return line.starts_with('|'); });
      page.html += table_html(rows, target);
    } else if (text.starts_with("```")) {
      take_line(text);
      const auto lines = take_lines(text, [](std::string_view line) { return line != "```"; });
      page.html += laid_out("Commands", joined(lines, '\n'));
      take_line(text);
    } else if (text.starts_with('#')) {
      const std::string_view line = take_line(text);
      const std::size_t marks = std::min(line.find_first_not_of('#'), line.size());
      const std::string_view words = trimmed(line.substr(marks));
      if (page.title.empty() && line.starts_with("# "))
        page.title = words;
      else
        page.html += heading_html(words);
    } else if (const auto lines = take_lines(text, continues_paragraph); !lines.empty()) {
      page.html += element("p", inline_html(trimmed(joined(lines, ' ')), target)) + "\n";
    } else {
      take_line(text);
    }
  }
  return page;
}

}  // namespace pghang
