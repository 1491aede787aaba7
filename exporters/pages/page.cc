#include "exporters/pages/page.h"

#include <algorithm>

#include "exporters/text.h"

namespace pghang {

std::string page_begin(std::string_view title, std::string_view up) {
  const std::string root(up);
  const std::string assets = root + "assets/";
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<title>pghangd: " +
         html_escaped(title) + "</title>\n<link rel=\"icon\" href=\"" + assets +
         "icon.svg\" type=\"image/svg+xml\">\n<link rel=\"stylesheet\" href=\"" + assets +
         "page.css\">\n<script type=\"module\" src=\"" + assets +
         "copy.js\"></script>\n<script type=\"module\" src=\"" + assets +
         "refresh.js\"></script>\n</head>\n<body>\n"
         "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n"
         "<header class=\"top\">\n<nav aria-label=\"pghangd\"><a href=\"" +
         (root.empty() ? "./" : root) +
         "\">pghangd</a></nav>\n<p id=\"freshness\"></p>\n"
         "<noscript><p>Without JavaScript this page does not update itself: reload it.</p>"
         "</noscript>\n<p id=\"live\" class=\"unseen\" role=\"status\"></p>\n</header>\n"
         "<main id=\"main\" tabindex=\"-1\">\n";
}

std::string page_end(const std::vector<std::pair<std::string, std::string>>& links) {
  std::string html = "</main>\n<footer id=\"foot\">\n<nav aria-label=\"The same for programs\">\n";
  for (const auto& [url, words] : links)
    html += link(url, words) + "\n";
  return html + "</nav>\n</footer>\n</body>\n</html>\n";
}

std::string section(std::string_view id, std::string_view heading, const std::string& html) {
  if (html.empty()) return {};
  const std::string name = html_escaped(id);
  return "<section data-key=\"" + name + "\" aria-labelledby=\"" + name + "\">\n<h2 id=\"" + name +
         "\">" + html_escaped(heading) + "</h2>\n" + html + "</section>\n";
}

std::string laid_out(std::string_view name, std::string_view text) {
  while (text.starts_with('\n'))
    text.remove_prefix(1);
  if (text.empty()) return {};
  return R"(<pre tabindex="0" role="region" aria-label=")" + html_escaped(name) + "\">" +
         html_escaped(text) + "</pre>\n";
}

std::string scrolling(std::string_view name, const std::string& html) {
  return R"(<div class="scroll" tabindex="0" role="region" aria-label=")" + html_escaped(name) +
         "\">\n" + html + "</div>\n";
}

std::string
table(std::string_view name, const std::vector<std::string>& columns, const std::string& rows) {
  if (rows.empty()) return {};
  std::string html = "<table>\n<thead><tr>";
  for (const std::string& column : columns)
    html += "<th scope=\"col\">" + html_escaped(column) + "</th>";
  return scrolling(name, html + "</tr></thead>\n<tbody>\n" + rows + "</tbody>\n</table>\n");
}

std::string definitions(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string html;
  for (const auto& [name, value] : rows) {
    if (value.empty()) continue;
    if (!name.empty()) html += "<dt>" + html_escaped(name) + "</dt>";
    html += "<dd>" + html_escaped(value) + "</dd>\n";
  }
  return html.empty() ? html : "<dl>\n" + html + "</dl>\n";
}

std::string paragraph(std::string_view words) {
  return words.empty() ? "" : "<p>" + html_escaped(words) + "</p>\n";
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

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::string duration_text(std::int64_t micros) {
  return age_text(static_cast<double>(micros) / 1e6);
}

}  // namespace pghang
