#include "diagnosis/explanations.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "diagnosis/text.h"

namespace pghang {
namespace {

/// The names between braces.
std::vector<std::string> placeholders(std::string_view text) {
  std::vector<std::string> names;
  for (auto open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1))
    names.emplace_back(text.substr(open + 1, text.find('}', open) - open - 1));
  return names;
}

TEST(Explanations, HaveOneEntryForEachStory) {
  std::set<Story> seen;
  for (const Explanation& entry : explanations()) {
    EXPECT_TRUE(seen.insert(entry.story).second) << entry.summary;
    EXPECT_EQ(&explanation(entry.story), &entry);
  }
  // Enumerators count from zero without a gap, the last one is the highest.
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(Story::auxiliary_silent) + 1);
}

TEST(Explanations, AskOnlyForKnownPlaceholders) {
  for (const Explanation& entry : explanations()) {
    std::vector<std::string_view> texts = {entry.summary};
    for (const StepText& step : entry.steps)
      texts.insert(texts.end(), {step.step, step.price});
    for (const auto text : texts)
      for (const std::string& name : placeholders(text))
        EXPECT_NE(std::find(kPlaceholders.begin(), kPlaceholders.end(), name), kPlaceholders.end())
            << name << " in " << text;
  }
}

TEST(Explanations, NameThePriceOfEveryStep) {
  for (const Explanation& entry : explanations())
    for (const StepText& step : entry.steps)
      EXPECT_EQ(step.step.empty(), step.price.empty()) << step.step;
}

TEST(Explanations, AreWholeSentences) {
  for (const Explanation& entry : explanations()) {
    // A sentence may follow that is only there where the evidence is.
    std::string_view sentence = entry.summary;
    if (sentence.ends_with('}')) sentence = sentence.substr(0, sentence.rfind('{'));
    EXPECT_TRUE(sentence.ends_with('.')) << entry.summary;
    const bool capital = entry.summary.front() >= 'A' && entry.summary.front() <= 'Z';
    EXPECT_TRUE(capital || entry.summary.starts_with("{The}")) << entry.summary;
  }
}

TEST(Explanations, NeverAdviseASignalThatRestartsTheServerBeforeTheLastStep) {
  for (const Explanation& entry : explanations())
    for (std::size_t i = 0; i + 1 < entry.steps.size(); ++i) {
      const bool milder = !entry.steps.at(i).step.starts_with("Last resort");
      EXPECT_TRUE(milder || entry.steps.at(i + 1).step.empty()) << entry.summary;
    }
}

TEST(TextExpand, PutsValuesInOnceAndKeepsTheirBraces) {
  EXPECT_EQ(text::expand("a {x} b", {{"x", "{y}"}, {"y", "no"}}), "a {y} b");
}

TEST(TextExpand, KeepsWhatHasNoValue) {
  EXPECT_EQ(text::expand("{x} {", {}), "{x} {");
}

TEST(TextShellWord, QuotesWhatAShellWouldRead) {
  EXPECT_EQ(text::shell_word("/tmp/fifo-1"), "/tmp/fifo-1");
  EXPECT_EQ(text::shell_word("/tmp/a b;$(id)"), "'/tmp/a b;$(id)'");
  EXPECT_EQ(text::shell_word("it's"), R"('it'\''s')");
  EXPECT_EQ(text::shell_word(""), "''");
}

TEST(TextPrintable, DisarmsControlCharacters) {
  EXPECT_EQ(text::printable("a\x1b[31m\n\x7f…"), "a?[31m??…");
}

TEST(TextWrap, BreaksAtSpacesByCharactersNotBytes) {
  EXPECT_EQ(text::wrap("äö üx yz", 5), (std::vector<std::string>{"äö üx", "yz"}));
  EXPECT_EQ(text::wrap("longword x", 3), (std::vector<std::string>{"longword", "x"}));
  EXPECT_TRUE(text::wrap("  ", 3).empty());
}

TEST(TextSeconds, UsesTheUnitThatReadsBest) {
  EXPECT_EQ(text::seconds(0.041), "0.04 s");
  EXPECT_EQ(text::seconds(61), "61 s");
  EXPECT_EQ(text::seconds(600), "10 min");
  EXPECT_EQ(text::seconds(7200), "2 h");
}

TEST(TextUtc, IsTheCalendarTime) {
  EXPECT_EQ(text::utc(1'795'360'323'000'000), "2026-11-22 15:12:03 UTC");
}

}  // namespace
}  // namespace pghang
