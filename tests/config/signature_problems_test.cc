#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/signatures.h"

/// What a signature file may have wrong; each problem is one line that says where.
namespace pghang {
namespace {

using Lines = std::vector<std::string>;

Lines problems_of(const std::string& text) {
  Lines lines;
  for (const ConfigProblem& problem : parse_signatures(text, "f").problems)
    lines.push_back(to_string(problem));
  return lines;
}

/// A signature that is right, with more lines.
std::string with(const std::string& more) {
  return "signatures:\n"
         "  - id: a\n"
         "    title: A\n"
         "    references: commit 1\n"
         "    frames: [f]\n" +
         more;
}

struct Bad {
  const char* name;
  std::string text;
  Lines expected;
};

void PrintTo(const Bad& bad, std::ostream* out) {
  *out << bad.name;
}

class SignatureProblems : public testing::TestWithParam<Bad> {};

TEST_P(SignatureProblems, AreSaidWithFileLineAndKey) {
  EXPECT_EQ(problems_of(GetParam().text), GetParam().expected);
}

const std::vector<Bad> kBad = {
    {"UnknownKey",
     with("    wait_events: IPC/X\n"),
     {"f:6: signatures[0].wait_events: unknown key; did you mean `wait_event`?"}},
    {"UnknownRoot",
     "signature: []\n",
     {"f:1: signature: unknown key; did you mean `signatures`?",
      "f:1: signatures: must list at least one"}},
    {"Empty", "", {"f:1: signatures: must list at least one"}},
    {"BadRegex",
     with("    module:\n      - a.so\n      - /li(b\n"),
     {"f:8: signatures[0].module[1]: \"/li(b\" is not a regular expression: Mismatched '(' and ')' "
      "in "
      "regular expression"}},
    {"BadVersion",
     with("    affected: [15.0-15.x]\n"),
     {"f:6: signatures[0].affected[0]: \"15.0-15.x\" is not a version of PostgreSQL; write it like "
      "15.12"}},
    {"VersionBefore10",
     with("    affected: 9.6\n"),
     {"f:6: signatures[0].affected: \"9.6\" is before PostgreSQL 10"}},
    {"RangeOverTwoMajors",
     with("    affected: [14.1-15.2]\n"),
     {"f:6: signatures[0].affected[0]: \"14.1-15.2\" spans two majors; write one range for each"}},
    {"RangeBackwards",
     with("    affected: [14.5-14.1]\n"),
     {"f:6: signatures[0].affected[0]: \"14.5-14.1\" ends before it starts"}},
    {"FixWithoutMinor",
     with("    affected: [14]\n    fixed_in: [15]\n"),
     {"f:7: signatures[0].fixed_in[0]: \"15\" has no minor version; write it like 15.12"}},
    {"FixThatHasTheBug",
     with("    affected: [14.0-14.5]\n    fixed_in: [14.5]\n"),
     {"f:7: signatures[0].fixed_in[0]: has the bug by `affected`"}},
    {"FixBeforeTheBug",
     with("    affected: [14.7+]\n    fixed_in: [14.5]\n"),
     {"f:7: signatures[0].fixed_in[0]: has the bug by `affected`"}},
    {"TwoFixesOfOneMajor",
     with("    affected: [14.0-14.5]\n    fixed_in: [14.6, 14.7]\n"),
     {"f:7: signatures[0].fixed_in[1]: is a second fix for 14"}},
    {"FixOfNothing",
     with("    fixed_in: [14.6]\n"),
     {"f:6: signatures[0].fixed_in: needs `affected`: which versions have the bug"}},
    {"UnknownCause",
     with("    cause: [spinnin]\n"),
     {"f:6: signatures[0].cause[0]: \"spinnin\" is not a cause; did you mean `spinning`?"}},
    {"UnknownGate",
     with("    gate: servicce\n"),
     {"f:6: signatures[0].gate: \"servicce\" is not a gate; did you mean `service`?"}},
    {"UnknownConfidence",
     with("    confidence: sure\n"),
     {"f:6: signatures[0].confidence: \"sure\" is not one of `certain`, `likely`, `possible`"}},
    {"SameIdTwice",
     with("  - {id: a, title: B, references: r, frames: g}\n"),
     {"f:6: signatures[1].id: is also the id of signatures[0]"}},
    {"BadId",
     "signatures: [{id: Two Words, title: t, references: r, frames: f}]\n",
     {"f:1: signatures[0].id: may only have a-z, 0-9, _ and -"}},
    {"NothingButAName",
     "signatures:\n  - id: a\n    cause: spinning\n",
     {"f:2: signatures[0].title: is required",
      "f:2: signatures[0].references: is required: say where this is known from",
      "f:2: signatures[0]: needs `frames`, `module` or `wait_event`: it would match everything"}},
    {"NoYaml",
     "signatures: [\n",
     {"f:1: is not YAML: end of sequence flow not found; look at indentation, colons and quotes up "
      "to here"}},
};

INSTANTIATE_TEST_SUITE_P(All, SignatureProblems, testing::ValuesIn(kBad), [](const auto& bad) {
  return std::string(bad.param.name);
});

TEST(VersionSpan, HasFiveForms) {
  const auto span = [](const char* text) {
    return *parse_version_span(text);
  };
  EXPECT_EQ(span("15.12"), (VersionSpan{{15, 12}, {15, 12}}));
  EXPECT_EQ(span("15.0-15.13"), (VersionSpan{{15, 0}, {15, 13}}));
  EXPECT_EQ(span("10.7+"), (VersionSpan{{10, 7}, {10, kEveryMinor}}));
  EXPECT_EQ(span("11"), (VersionSpan{{11, 0}, {11, kEveryMinor}}));
  EXPECT_EQ(span("12-14"), (VersionSpan{{12, 0}, {14, kEveryMinor}}));
  EXPECT_TRUE(span("12-14").contains({13, 99}));
  EXPECT_FALSE(span("12-14").contains({15, 0}));
  EXPECT_FALSE(span("10.7+").contains({10, 6}));
  EXPECT_FALSE(span("10.7+").contains({11, 8}));
}

TEST(VersionSpan, RefusesWhatIsNone) {
  for (const char* const text :
       {"",
        "+",
        "-",
        "15.",
        ".5",
        "15.1.2",
        "x",
        "15+",
        "15.1-",
        "-15.1",
        "15.1-16",
        "15 .1",
        "1e3",
        "15.99999",
        "99999999999999999999"})
    EXPECT_FALSE(parse_version_span(text)) << text;
}

TEST(ShippedSignatures, HaveNoProblemAndAreManyEnough) {
  const LoadedSignatures shipped = shipped_signatures();
  for (const ConfigProblem& problem : shipped.problems)
    ADD_FAILURE() << to_string(problem);
  EXPECT_GE(shipped.signatures.size(), 30U);
}

TEST(ShippedSignatures, AreTheFileThatIsInTheTree) {
  const LoadedSignatures file = load_signatures(PGHANG_SOURCE_DIR "/config/signatures.yaml");
  EXPECT_EQ(file.signatures, shipped_signatures().signatures);
}

TEST(ShippedSignatures, DoNotCallASourceWhatIsEmpty) {
  for (const Signature& signature : shipped_signatures().signatures)
    for (const std::string& reference : signature.references)
      EXPECT_GE(reference.size(), 8U) << signature.id;
}

}  // namespace
}  // namespace pghang
