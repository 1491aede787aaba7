#include "diagnosis/query_text.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace pghang {
namespace {

TEST(MaskQuery, ReplacesStrings) {
  EXPECT_EQ(mask_query("SELECT 'a', 'it''s'"), "SELECT ?, ?");
  EXPECT_EQ(mask_query("SELECT ''"), "SELECT ?");
  EXPECT_EQ(mask_query(R"(SELECT E'it\'s', e'a\\', 'c:\dir')"), "SELECT ?, ?, ?");
  EXPECT_EQ(mask_query(R"(SELECT 'a\\', x)"), "SELECT ?, x");
  EXPECT_EQ(mask_query("SELECT B'101', X'1f', n'nat', U&'d\\0061t'"), "SELECT ?, ?, ?, ?");
  EXPECT_EQ(mask_query("date'2020-01-01'"), "date?");
}

TEST(MaskQuery, ReplacesDollarQuotes) {
  EXPECT_EQ(mask_query("DO $$ a $1 'b $$, x"), "DO ?, x");
  EXPECT_EQ(mask_query("DO $tag$ a $$ b $tagg$ c $tag$;"), "DO ?;");
  EXPECT_EQ(mask_query("SELECT $1$$secret$$"), "SELECT $1?");
}

TEST(MaskQuery, ReplacesNumbers) {
  EXPECT_EQ(
      mask_query("SELECT 1, 1.5, .5, 5., 1e5, 1E-5, 1.5e+3, 0x1F, 0o17, 0b01, 1_000, -7"),
      "SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, -?"
  );
  EXPECT_EQ(mask_query("1-2+3"), "?-?+?");
  EXPECT_EQ(mask_query("FOR i IN 1..10"), "FOR i IN ?.?");
}

TEST(MaskQuery, KeepsIdentifiersParametersAndOperators) {
  for (const char* text :
       {"SELECT t1.c2, a$1$b FROM \"My \"\"Table'\" WHERE x >= $1 AND y <@ $23",
        "SELECT été, _x9 FROM u & b",
        "a->b #>> c || d::int"})
    EXPECT_EQ(mask_query(text), text);
}

TEST(MaskQuery, DropsComments) {
  EXPECT_EQ(mask_query("SELECT a -- secret 'x\nFROM b"), "SELECT a \nFROM b");
  EXPECT_EQ(mask_query("SELECT /* a /* b ' */ c */ d"), "SELECT   d");
  EXPECT_EQ(mask_query("a+--c"), "a+");
  EXPECT_EQ(mask_query("a*/*c*/b"), "a* b");
}

TEST(MaskQuery, HidesCredentialsOfACopyProgram) {
  EXPECT_EQ(mask_query("COPY t FROM PROGRAM 'curl http://user:pw@host'"), "COPY t FROM PROGRAM ?");
  EXPECT_EQ(mask_query("ALTER ROLE app PASSWORD 'pw'"), "ALTER ROLE app PASSWORD ?");
}

TEST(MaskQuery, CutsWhereTheTextEndsInsideALiteral) {
  EXPECT_EQ(mask_query("SELECT 'secr"), "SELECT ?…");
  EXPECT_EQ(mask_query("SELECT '"), "SELECT ?…");
  EXPECT_EQ(mask_query("SELECT E'secr\\"), "SELECT ?…");
  EXPECT_EQ(mask_query("DO $body$ secr $body"), "DO ?…");
  EXPECT_EQ(mask_query("DO $bo"), "DO …");
  EXPECT_EQ(mask_query("SELECT a /* secr"), "SELECT a …");
  EXPECT_EQ(mask_query("SELECT \"secr"), "SELECT …");
}

TEST(MaskQuery, CutsWhereABackslashLeavesTheEndInDoubt) {
  // With standard_conforming_strings off the string goes on, with it on it ends.
  EXPECT_EQ(mask_query(R"(SELECT 'a\', 'secret')"), "SELECT ?…");
  EXPECT_EQ(mask_query(R"(SELECT 'it\'s secret')"), "SELECT ?…");
}

TEST(MaskQuery, LeavesNothingOutOfNothing) {
  EXPECT_EQ(mask_query(""), "");
  EXPECT_EQ(mask_query(" ;"), " ;");
}

/// Makes queries whose every constant contains the digits of `secret`, which nothing else does.
class QueryGenerator {
 public:
  explicit QueryGenerator(std::uint32_t seed) : random_(seed) {}

  std::string query() {
    std::string text;
    const auto tokens = 1 + random_() % 12;
    for (std::uint32_t i = 0; i < tokens; ++i)
      text += token() + pick({" ", "\n", " ", ",", "||", "("});
    return text;
  }

  std::size_t below(std::size_t limit) { return random_() % limit; }

 private:
  std::string pick(const std::vector<std::string>& choices) {
    return choices[random_() % choices.size()];
  }

  /// Harmless and nasty pieces around the secret.
  std::string body(const std::vector<std::string>& nasty) {
    std::string text;
    for (int i = 0; i < 3; ++i)
      text += pick(nasty) + pick({"", "987654"});
    return text + "987654";
  }

  std::string token() {
    switch (random_() % 12) {
      case 0: return "'" + body({"''", "--", "/*", "$$", "\"", "x", "E"}) + "'";
      case 1: return pick({"E", "e"}) + "'" + body({"''", "\\'", "\\\\", "--", "x"}) + "'";
      case 2: return "$$" + body({"'", "\"", "$t$x", "/*", "$1"}) + "$$";
      case 3: return "$t_1$" + body({"'", "$$", "$t$", "--", "$t_1x"}) + "$t_1$";
      case 4: return pick({"B", "X", "N", "U&"}) + "'" + body({"a", "''", "\"", "/*"}) + "'";
      case 5: return pick({"", "-", "0x", "1.", ".", "1e", "1_", "1e-"}) + "987654";
      case 6: return "/*" + body({"'", "/* x */", "$$", "--"}) + "*/";
      case 7: return "--" + body({"'", "\"", "/*", "$$"}) + "\n";
      case 8: return "\"na'me$$--\"";
      case 9: return pick({"$1", "$2"});
      case 10: return pick({"+", "->>", "<=", "@>", "*", "::int", "/", "-"}) + " ";
      default: return pick({"SELECT", "from", "t1", "a$b", "e", "été", "u", "x"});
    }
  }

  std::mt19937 random_;
};

TEST(MaskQueryProperty, NoConstantSurvivesWholeOrCutAnywhere) {
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    QueryGenerator generator(seed);
    const std::string query = generator.query();
    const std::string cut = query.substr(0, generator.below(query.size() + 1));
    for (const std::string& text : {query, cut}) {
      const std::string masked = mask_query(text);
      for (const char* part : {"98", "76", "54"})
        ASSERT_EQ(masked.find(part), std::string::npos) << text << "\n-> " << masked;
    }
  }
}

TEST(MaskQueryProperty, ArbitraryBytesNeverGrowByMoreThanTheMarks) {
  std::mt19937 random(42);
  const std::string alphabet = "'\"$E\\-/*\n ae1.U&\xc3\xa9?";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto i = random() % 16; i > 0; --i)
      text += alphabet[random() % alphabet.size()];
    // A mark or a blank stands for at least one byte, the cut for three.
    ASSERT_LE(mask_query(text).size(), text.size() + 4) << text;
  }
}

}  // namespace
}  // namespace pghang
