#include "exporters/pages/page.h"

#include <algorithm>

#include "exporters/text.h"

namespace pghang {

std::string page_begin(std::string_view title) {
  const std::string safe = html_escaped(title);
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<title>pghangd: " +
         safe + "</title>\n<link rel=\"stylesheet\" href=\"../style.css\">\n</head>\n<body>\n" +
         "<nav><a href=\"../\">pghangd</a></nav>\n<main>\n<h1>" + safe + "</h1>\n";
}

std::string page_end(const std::vector<std::pair<std::string, std::string>>& links) {
  std::string html = "</main>\n<nav>\n";
  for (const auto& [url, words] : links)
    html += link(url, words) + "\n";
  return html + "</nav>\n</body>\n</html>\n";
}

std::string section(std::string_view heading, const std::string& html) {
  if (html.empty()) return {};
  return "<section>\n<h2>" + html_escaped(heading) + "</h2>\n" + html + "</section>\n";
}

std::string laid_out(std::string_view text) {
  while (text.starts_with('\n'))
    text.remove_prefix(1);
  if (text.empty()) return {};
  return "<pre tabindex=\"0\">" + html_escaped(text) + "</pre>\n";
}

std::string definitions(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string html;
  for (const auto& [name, value] : rows) {
    if (value.empty()) continue;
    html += "<dt>" + html_escaped(name) + "</dt><dd>" + html_escaped(value) + "</dd>\n";
  }
  return html.empty() ? html : "<dl>\n" + html + "</dl>\n";
}

std::string link(std::string_view url, std::string_view words) {
  return "<a href=\"" + html_escaped(url) + "\">" + html_escaped(words) + "</a>";
}

std::string moment(std::int64_t unix_micros) {
  const std::string exact = rfc3339(unix_micros);
  std::string words = exact.substr(0, exact.find('.'));
  std::ranges::replace(words, 'T', ' ');
  return "<time datetime=\"" + exact + "\">" + words + " UTC</time>";
}

std::string spaced(std::string_view spelling) {
  std::string words(spelling);
  std::ranges::replace(words, '_', ' ');
  return words;
}

const char* detail_style_sheet() {
  return R"(pre { overflow-x: auto; padding: .8rem; border: 1px solid var(--line); border-radius: 4px; line-height: 1.35; font-size: .82rem; }
dl { display: grid; grid-template-columns: minmax(5.5rem, max-content) 1fr; gap: .2rem 1rem; margin: 0; }
dt { opacity: .75; } dd { margin: 0; overflow-wrap: anywhere; }
.verdict { border-left: 4px solid var(--bad); background: var(--hung); padding: .6rem 1rem; margin: 1rem 0; }
.verdict.resolved { border-color: var(--line); background: none; }
.verdict p { margin: .3rem 0; overflow-wrap: anywhere; }
ol > li { margin-bottom: .5rem; overflow-wrap: anywhere; }
.price { display: block; opacity: .75; }
)";
}

}  // namespace pghang
