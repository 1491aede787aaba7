#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/problems_of.h"

/// Text that is not YAML, or more YAML than a configuration needs.
namespace pghang {
namespace {

using test::Lines;
using test::problems_of;

/// Line of the only problem of this text, which is about no key.
int syntax_line(const std::string& text) {
  const LoadedConfig loaded = parse_config(text, "f");
  if (loaded.problems.size() != 1 || !loaded.problems[0].key.empty()) return -1;
  return loaded.problems[0].line;
}

TEST(SyntaxProblems, NameTheLine) {
  EXPECT_EQ(syntax_line("mode: observe\npolling: interval: 5s\n"), 2);
  EXPECT_EQ(syntax_line("mode: observe\nlog: {level: info\nweb: x]\n"), 3);
  EXPECT_EQ(syntax_line("polling:\n  interval: 5s\n log:\n  level: info\n"), 3);
  EXPECT_EQ(syntax_line("mode: @observe\n"), 1);
  EXPECT_THAT(
      problems_of("polling: interval: 5s\n"),
      testing::ElementsAre("f:1: is not YAML: illegal map value; look at indentation, colons and "
                           "quotes up to here")
  );
}

TEST(SyntaxProblems, AnOpenQuoteDoesNotSwallowTheRestOfTheFile) {
  for (const char* const text :
       {"log: {level: 'info}\n", "mode: \"observe\n\nlog:\n  level: warn\n# end\n\n", "mode: 'x"})
    EXPECT_GT(syntax_line(text), 0) << text;
}

TEST(SyntaxProblems, ATabInTheIndentationIsNamedOnEveryLine) {
  EXPECT_EQ(
      problems_of("polling:\n\tinterval: 5s\n  \tconnect_timeout: 5s\n"),
      (Lines{
          "f:2: a tab in the indentation; use spaces",
          "f:3: a tab in the indentation; use spaces"})
  );
}

TEST(SyntaxProblems, TabsElsewhereAreGood) {
  EXPECT_EQ(problems_of("mode:\tobserve\t# why\n\t\n\t# a comment\n"), Lines{});
}

TEST(SyntaxProblems, AliasesAnchorsAndTagsAreRefused) {
  EXPECT_EQ(
      problems_of("log: &a {level: info}\n"),
      Lines{"f:1: anchors (&name) are not supported; quote the value"}
  );
  EXPECT_THAT(
      problems_of("log: &a {}\nweb: *a\n"),
      testing::Contains("f:2: aliases (*name) are not supported; write the value out, or quote it")
  );
  EXPECT_EQ(
      problems_of("mode: !!str observe\n"),
      Lines{"f:1: tags (!name) are not supported; quote the value"}
  );
}

TEST(SyntaxProblems, ASecondDocumentIsRefused) {
  EXPECT_EQ(
      problems_of("---\nmode: observe\n---\nmode: enforce\n"),
      Lines{"f:3: a second document; write one only"}
  );
}

TEST(SyntaxProblems, AKeyIsAWord) {
  EXPECT_EQ(problems_of("? [a]\n: b\n"), Lines{"f:1: a key must be a word"});
}

TEST(SyntaxProblems, NestingIsBounded) {
  std::string yaml;
  for (int i = 0; i < 17; ++i)
    yaml += "[";
  for (int i = 0; i < 17; ++i)
    yaml += "]";
  EXPECT_EQ(problems_of(yaml), Lines{"f:1: nested too deeply"});
  EXPECT_FALSE(problems_of(std::string(100'000, '[')).empty());
}

TEST(SyntaxProblems, TextIsUtf8WithoutControlCharacters) {
  EXPECT_EQ(problems_of("mode: observe\n# caf\xE9\n"), Lines{"f:2: is not UTF-8"});
  EXPECT_EQ(
      problems_of(std::string("mode: observe\0", 14)),
      Lines{"f:1: a control character; is this a text file?"}
  );
}

TEST(SyntaxProblems, AFileHasAtMostOneMebibyte) {
  const std::string comment = "#" + std::string((1U << 20U) - 1, 'x');
  EXPECT_EQ(problems_of(comment), Lines{});
  EXPECT_EQ(problems_of(comment + "\n"), Lines{"f: is larger than 1 MiB"});
}

}  // namespace
}  // namespace pghang
