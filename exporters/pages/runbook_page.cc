#include "exporters/pages/runbook_page.h"

#include <algorithm>

#include "exporters/pages/markdown.h"
#include "exporters/pages/page.h"
#include "exporters/text.h"

namespace pghang {
namespace {

constexpr std::string_view kIndex = "README";

/// Of `frozen.md` or `alerts.md#pghangddown` the page here; none of what is no runbook.
std::string beside(std::string_view target) {
  const std::size_t suffix = target.find(".md");
  if (suffix == std::string_view::npos) return {};
  const std::string_view name = target.substr(0, suffix);
  if (std::ranges::find(runbooks(), name, &Runbook::name) == runbooks().end()) return {};
  return std::string(name == kIndex ? "./" : name).append(target.substr(suffix + 3));
}

}  // namespace

std::optional<std::string> runbook_page(std::string_view name) {
  const std::string_view wanted = name.empty() ? kIndex : name;
  const auto found = std::ranges::find(runbooks(), wanted, &Runbook::name);
  if (found == runbooks().end()) return std::nullopt;
  const MarkdownPage page = markdown_page(found->text, beside);
  return page_begin(page.title, "../") + "<h1>" + html_escaped(page.title) + "</h1>\n" + page.html +
         page_end({{"./", "All runbooks"}});
}

}  // namespace pghang
