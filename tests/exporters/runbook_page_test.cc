#include "exporters/pages/runbook_page.h"

#include <regex>
#include <string>

#include <gtest/gtest.h>

#include "exporters/pages/incident_sections.h"
#include "exporters/pages/markdown.h"
#include "tests/exporters/sample_data.h"

namespace pghang {
namespace {

std::string url_of(std::string_view target) {
  return target == "other.md" ? "other" : "";
}

std::string html_of(std::string_view text) {
  return markdown_page(text, url_of).html;
}

/// Without code, in which any character may stand.
std::string prose(const std::string& html) {
  return std::regex_replace(html, std::regex("<(code|pre)[^>]*>[^<]*</(code|pre)>"), "");
}

TEST(Markdown, ParagraphsAreJoinedLinesAndTheFirstHeadingIsTheTitle) {
  const MarkdownPage page = markdown_page("# the title\n\none\ntwo\n\nthree\n", url_of);
  EXPECT_EQ(page.title, "the title");
  EXPECT_EQ(page.html, "<p>one two</p>\n<p>three</p>\n");
}

TEST(Markdown, CodeBoldAndLinksAreMarkedUpAndAllTextIsEscaped) {
  EXPECT_EQ(
      html_of("**a `b < c`** & `x **y**` [d](other.md), [e](gone.md)"),
      "<p><b>a <code>b &lt; c</code></b> &amp; <code>x **y**</code> "
      "<a href=\"other\">d</a>, e</p>\n"
  );
}

TEST(Markdown, MarksWithoutTheirEndAreText) {
  for (const std::string text : {"a ` b", "a ** b", "a [b] c", "a [b", "*", "2 * 3"})
    EXPECT_EQ(html_of(text), "<p>" + text + "</p>\n");
  EXPECT_EQ(html_of("[b](other.md"), "<p><a href=\"other\">b</a></p>\n");
}

TEST(Markdown, ATableHasAHeadAndAnEscapedBorderIsText) {
  EXPECT_EQ(
      html_of("| a | b |\n|---|---|\n| `x \\| y` | |\n"),
      R"(<div class="scroll" tabindex="0" role="region" aria-label="a">
<table>
<thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>
<tbody>
<tr><td><code>x | y</code></td><td></td></tr>
</tbody>
</table>
</div>
)"
  );
}

TEST(Markdown, AHeadingCanBeLinkedTo) {
  EXPECT_EQ(html_of("## PghangdDown\n"), "<h2 id=\"pghangddown\">PghangdDown</h2>\n");
}

TEST(Markdown, AFencedBlockStaysAsItIs) {
  const std::string begin = R"(<pre tabindex="0" role="region" aria-label="Commands">)";
  EXPECT_EQ(html_of("```\na | **b**\n```\nc"), begin + "a | **b**\n</pre>\n<p>c</p>\n");
  EXPECT_EQ(html_of("```\nno end"), begin + "no end\n</pre>\n");
}

TEST(RunbookPage, EachOfTheFolderIsAPageWithoutMarkdownLeftInIt) {
  ASSERT_GT(runbooks().size(), 20U);
  for (const Runbook& runbook : runbooks()) {
    const auto page = runbook_page(runbook.name);
    ASSERT_TRUE(page) << runbook.name;
    const std::string shown = prose(*page);
    for (const char* const mark : {"**", "`", "](", "|", "\n#"})
      EXPECT_EQ(shown.find(mark), std::string::npos) << runbook.name << " has " << mark;
    EXPECT_EQ(page->find("<h1></h1>"), std::string::npos) << runbook.name;
  }
}

TEST(RunbookPage, ItsLinksLeadToPages) {
  const std::regex href("<a href=\"([^\"]*)\"");
  std::size_t seen = 0;
  for (const Runbook& runbook : runbooks()) {
    const std::string page = runbook_page(runbook.name).value_or("");
    for (std::sregex_iterator it(page.begin(), page.end(), href), end; it != end; ++it, ++seen) {
      const std::string url = (*it)[1];
      if (url == "../" || url == "./" || url == "#main") continue;
      EXPECT_TRUE(runbook_page(url.substr(0, url.find('#')))) << runbook.name << ": " << url;
    }
  }
  EXPECT_GT(seen, 60U);
}

TEST(RunbookPage, TheEmptyNameIsTheIndexAndAnUnknownOneIsNone) {
  const std::string index = runbook_page("").value_or("");
  EXPECT_NE(index.find("<a href=\"blocking_call\">blocking_call</a>"), std::string::npos);
  EXPECT_FALSE(runbook_page("nonsense"));
  EXPECT_FALSE(runbook_page("../README"));
}

TEST(RunbookPage, AVerdictLeadsToThatOfItsCause) {
  const std::string verdict = verdict_html(sample::incident());
  EXPECT_NE(
      verdict.find("<a href=\"../runbooks/blocking_call\">blocking_call</a>"),
      std::string::npos
  );
}

}  // namespace
}  // namespace pghang
