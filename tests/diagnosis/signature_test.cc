#include "diagnosis/signature.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "config/signature_words.h"
#include "diagnosis/fingerprint.h"
#include "diagnosis/verdict.h"
#include "tests/diagnosis/hangs.h"

/// What the shipped catalogue says of hangs, and that it says nothing it cannot know.
namespace pghang {
namespace {

using tests::Given;

const SignatureCatalogue& catalogue() {
  static const SignatureCatalogue kCatalogue(shipped_signatures().signatures);
  return kCatalogue;
}

Evidence on(const Given& given, PgVersion version) {
  Evidence evidence = given.evidence();
  ServerInfo& server = evidence.server.emplace();
  server.version = to_string(version);
  server.version_num = version.major * 10'000 + version.minor;
  return evidence;
}

std::optional<SignatureMatch> hit(const Evidence& evidence) {
  return diagnose(evidence, catalogue()).signature;
}

std::string id_of(const Evidence& evidence) {
  const auto match = hit(evidence);
  return match ? match->id : "none";
}

TEST(SeedHang, OfTheWorkerIsBug15290On10_4) {
  const auto match = hit(on(tests::seed_worker(), {10, 4}));
  ASSERT_TRUE(match);
  EXPECT_EQ(match->id, "btree-parallel-seize");
  EXPECT_EQ(match->claim, BugClaim::known);
  EXPECT_EQ(match->fixed_in, "10.5");
  EXPECT_EQ(match->text, "fixed in 10.5; this server runs 10.4");
  EXPECT_TRUE(match->advice.starts_with("Upgrade to 10.5 or later. ")) << match->advice;
  EXPECT_EQ(match->references.front(), "BUG #15290");
}

TEST(SeedHang, OfTheWorkerIsNoKnownBugOnceTheServerIsPastTheFix) {
  EXPECT_EQ(id_of(on(tests::seed_worker(), {10, 5})), "none");
  EXPECT_EQ(id_of(on(tests::seed_worker(), {11, 0})), "none");
}

TEST(SeedHang, OfTheLeaderIsExplainedWhateverTheVersion) {
  for (const PgVersion version : {PgVersion{10, 4}, PgVersion{10, 5}, PgVersion{18, 0}}) {
    const auto match = hit(on(tests::seed_leader(), version));
    ASSERT_TRUE(match) << to_string(version);
    EXPECT_EQ(match->id, "parallel-leader-waits");
    EXPECT_EQ(match->claim, BugClaim::none);
    EXPECT_EQ(match->text, "");
    EXPECT_EQ(match->fixed_in, "");
  }
}

TEST(SeedHang, AsPstackPrintedItIsFoundByItsFramesAlone) {
  const auto stack = parse_stack_text(
      "#0  0x00007f4bced78f13 in __epoll_wait_nocancel () from /lib64/libc.so.6\n"
      "#1  0x0000000000753c35 in WaitEventSetWait ()\n"
      "#2  0x000000000076d103 in ConditionVariableSleep ()\n"
      "#3  0x00000000004cc4e1 in _bt_parallel_seize ()\n"
      "#4  0x00000000004ce433 in ?? ()\n"
      "#25 0x000000000077dc88 in PostgresMain ()\n"
  );
  ASSERT_TRUE(stack);
  EXPECT_EQ(stack->frames.size(), 6U);
  EXPECT_EQ(stack->frames[0].module, "/lib64/libc.so.6");
  const auto match = catalogue().best(subject_of(*stack));
  ASSERT_TRUE(match);
  EXPECT_EQ(match->id, "btree-parallel-seize");
  EXPECT_EQ(match->claim, BugClaim::possible);
}

TEST(UnknownVersion, IsSaidAndNothingIsClaimed) {
  // The path of the stack's modules has a 15, which never had the bug.
  EXPECT_EQ(id_of(tests::seed_worker().evidence()), "none");
  Evidence evidence = tests::seed_worker().evidence();
  for (Frame& frame : evidence.capture.stack.frames)
    frame.module = "/usr/pgsql-10/bin/postgres";
  const auto match = hit(evidence);
  ASSERT_TRUE(match);
  EXPECT_EQ(match->claim, BugClaim::possible);
  EXPECT_EQ(match->fixed_in, "10.5");
  EXPECT_EQ(match->text, "fixed in 10.5; it may be this bug if this server is older than 10.5");
  for (Frame& frame : evidence.capture.stack.frames)
    frame.module = "/opt/pg/bin/postgres";
  EXPECT_EQ(
      hit(evidence)->text,
      "fixed in 10.5, 11.0; it may be this bug if this server is older than the fix of its major "
      "version"
  );
  EXPECT_EQ(hit(evidence)->fixed_in, "");
}

TEST(MajorOfPath, IsReadOffTheUsualPlaces) {
  EXPECT_EQ(major_of_path("/usr/lib/postgresql/15/bin/postgres"), 15);
  EXPECT_EQ(major_of_path("/usr/pgsql-9/bin/postgres"), 9);
  for (const char* const path :
       {"", "/opt/pg/postgres", "/usr/lib/postgresql/15", "/postgresql/x/"})
    EXPECT_FALSE(major_of_path(path)) << path;
}

/// A signature of the test's own.
Signature made(const std::string& id, const std::vector<std::string>& frames) {
  Signature signature;
  signature.id = id;
  for (const std::string& frame : frames)
    signature.frames.push_back({.text = frame, .is_regex = false});
  return signature;
}

SignatureSubject subject(const std::vector<std::string>& names) {
  SignatureSubject result;
  result.names = names;
  result.cause = "spinning";
  result.gate = "service";
  return result;
}

bool matches(const Signature& signature, const SignatureSubject& subject) {
  return SignatureCatalogue({signature}).best(subject).has_value();
}

TEST(Criteria, FramesAreASubsequenceInnermostFirst) {
  const Signature signature = made("s", {"a", "b"});
  EXPECT_TRUE(matches(signature, subject({"a", "b"})));
  EXPECT_TRUE(matches(signature, subject({"x", "a", "y", "b", "z"})));
  EXPECT_FALSE(matches(signature, subject({"b", "a"})));
  EXPECT_FALSE(matches(signature, subject({"a"})));
  EXPECT_FALSE(matches(signature, subject({})));
  // Two of the same need two frames.
  EXPECT_FALSE(matches(made("s", {"a", "a"}), subject({"a", "b"})));
}

TEST(Criteria, FramesAreComparedAsTheFingerprintNamesThem) {
  const auto names =
      exported_names(Given().stack({"libc.so.6:__libc_open64"}).evidence().capture.stack);
  EXPECT_TRUE(matches(made("s", {"open"}), subject(names)));
  EXPECT_TRUE(matches(made("s", {"__open64"}), subject(names)));
}

TEST(Criteria, NamesThatAreNotExportedDoNotCount) {
  Evidence evidence = Given().stack({"a", "b", "c"}).evidence();
  evidence.capture.stack.frames[1].exported = false;
  EXPECT_EQ(subject_of(evidence).names, (std::vector<std::string>{"a", "c"}));
}

TEST(Criteria, AModuleIsWhereTheServerCalledOutTo) {
  Signature signature = made("s", {});
  signature.modules = {{.text = "plpython3.so", .is_regex = false}};
  const auto called = [&signature](const std::vector<std::string>& stack) {
    SignatureSubject called_subject = subject_of(Given().stack(stack).evidence());
    called_subject.cause = "spinning";
    return matches(signature, called_subject);
  };
  EXPECT_TRUE(called({"libpython3.so:f", "plpython3.so:g", "ExecScan"}));
  // It called back: what hangs is PostgreSQL's own code.
  EXPECT_FALSE(called({"libc.so.6:read", "DoCopy", "plpython3.so:g", "ExecScan"}));
}

TEST(Criteria, AWaitEventIsComparedWithoutCaseAndWithOrWithoutItsType) {
  Signature signature = made("s", {"a"});
  SignatureSubject waiting = subject({"a"});
  waiting.wait_event = "IPC/BgworkerShutdown";
  for (const char* const asked :
       {"IPC/BgWorkerShutdown", "bgworkershutdown", "ipc/bgworkershutdown"}) {
    signature.wait_events = {{.text = asked, .is_regex = false}};
    EXPECT_TRUE(matches(signature, waiting)) << asked;
  }
  signature.wait_events = {{.text = "^ipc/bg", .is_regex = true}};
  EXPECT_TRUE(matches(signature, waiting));
  signature.wait_events = {{.text = "IPC/BtreePage", .is_regex = false}};
  EXPECT_FALSE(matches(signature, waiting));
  waiting.wait_event = "";
  EXPECT_FALSE(matches(signature, waiting));
}

TEST(Criteria, AnUnknownWaitEventLeavesTheDecisionToTheFrames) {
  Signature signature = made("s", {"a"});
  signature.wait_events = {{.text = "IPC/BtreePage", .is_regex = false}};
  EXPECT_TRUE(matches(signature, subject({"a"})));
  signature.frames.clear();
  EXPECT_FALSE(matches(signature, subject({"a"})));
}

TEST(Criteria, WithoutACauseTheProcessMustBeStuck) {
  SignatureSubject idle = subject({"a"});
  for (const char* const cause : {"not_stuck", "gone", "making_progress"}) {
    idle.cause = cause;
    Signature signature = made("s", {"a"});
    EXPECT_FALSE(matches(signature, idle)) << cause;
    signature.causes = {cause};
    EXPECT_TRUE(matches(signature, idle)) << cause;
  }
}

TEST(Criteria, TypeGateAndCauseMustBeOneOfThoseAsked) {
  SignatureSubject asked = subject({"a"});
  asked.backend_type = "walsender";
  Signature signature = made("s", {"a"});
  signature.backend_types = {"startup", "walsender"};
  signature.gates = {"service"};
  signature.causes = {"spinning", "blocking_call"};
  EXPECT_TRUE(matches(signature, asked));
  Signature other = signature;
  other.backend_types = {"startup"};
  EXPECT_FALSE(matches(other, asked));
  other = signature;
  other.gates = {"delivery"};
  EXPECT_FALSE(matches(other, asked));
  other = signature;
  other.causes = {"stopped"};
  EXPECT_FALSE(matches(other, asked));
}

TEST(Order, TheMostSpecificWinsThenABugThenTheFirst) {
  Signature bug = made("bug", {"a"});
  bug.affected = {{{10, 0}, {10, 4}}};
  const SignatureCatalogue all(
      {made("first", {"a"}), made("second", {"a"}), bug, made("specific", {"a", "b"})}
  );
  SignatureSubject asked = subject({"a", "b"});
  asked.version = PgVersion{10, 0};
  asked.major = 10;
  std::vector<std::string> ids;
  for (const SignatureMatch& match : all.matches(asked))
    ids.push_back(match.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"specific", "bug", "first", "second"}));
  EXPECT_EQ(all.best(asked)->id, "specific");
}

TEST(Fix, IsNamedForThisMajorElseForTheNextThatHasOne) {
  Signature bug = made("bug", {"a"});
  bug.affected = {{{10, 0}, {12, kEveryMinor}}, {{15, 0}, {15, 3}}, {{16, 0}, {16, 1}}};
  bug.fixed_in = {{16, 2}, {15, 4}};
  const SignatureCatalogue all({bug});
  const auto said = [&all](PgVersion version) {
    SignatureSubject asked = subject({"a"});
    asked.version = version;
    asked.major = version.major;
    const auto match = all.best(asked);
    return match ? match->text : "none";
  };
  EXPECT_EQ(said({15, 3}), "fixed in 15.4; this server runs 15.3");
  EXPECT_EQ(said({16, 0}), "fixed in 16.2; this server runs 16.0");
  EXPECT_EQ(said({12, 7}), "fixed in 15.4, not in 12; this server runs 12.7");
  EXPECT_EQ(said({15, 4}), "none");
  EXPECT_EQ(said({13, 0}), "none");
  EXPECT_EQ(said({17, 0}), "none");
}

TEST(Fix, MayNotExist) {
  Signature bug = made("bug", {"a"});
  bug.affected = {{{16, 0}, {16, kEveryMinor}}};
  SignatureSubject asked = subject({"a"});
  asked.version = PgVersion{16, 4};
  asked.major = 16;
  const auto match = SignatureCatalogue({bug}).best(asked);
  ASSERT_TRUE(match);
  EXPECT_EQ(match->text, "no fix is listed for 16; this server runs 16.4");
  EXPECT_EQ(match->fixed_in, "");
  EXPECT_EQ(match->advice, "");
}

/// A text that a pattern matches: of a regular expression the first of each alternatives.
std::string text_for(const Pattern& pattern) {
  if (!pattern.is_regex) return pattern.text;
  std::string text;
  bool skip = false;
  for (std::size_t i = 0; i < pattern.text.size(); ++i) {
    const char c = pattern.text[i];
    if (c == '[') i = pattern.text.find('*', i);
    if (c == '|') skip = true;
    if (c == ')') skip = false;
    if (!skip && std::string_view("^$()[?\\").find(c) == std::string_view::npos) text += c;
  }
  return text;
}

/// Evidence that has what the signature asks for, made of the signature itself.
Given given(const Signature& signature) {
  std::vector<std::string> stack;
  const std::string library = signature.modules.empty() ? "" : text_for(signature.modules[0]);
  for (const Pattern& frame : signature.frames)
    stack.push_back((library.empty() ? "" : library + ":") + text_for(frame));
  if (stack.empty() && !library.empty()) stack.push_back(library + ":");
  for (const char* const outer : {"", "PortalRun", "PostgresMain", "main"})
    stack.emplace_back(outer);
  return Given().stack(stack).activity([&signature](Activity& row) {
    if (!signature.backend_types.empty()) row.backend_type = signature.backend_types[0];
    if (signature.wait_events.empty()) return;
    const std::string event = text_for(signature.wait_events[0]);
    const auto slash = event.find('/');
    row.wait_event = slash == std::string::npos ? event : event.substr(slash + 1);
    row.wait_event_type = slash == std::string::npos ? "Client" : event.substr(0, slash);
  });
}

SignatureSubject subject_for(const Signature& signature, PgVersion version) {
  SignatureSubject result = subject_of(on(given(signature), version));
  result.cause = signature.causes.empty() ? "blocking_call" : signature.causes[0];
  result.gate = signature.gates.empty() ? "service" : signature.gates[0];
  return result;
}

std::vector<std::string> shipped_ids() {
  std::vector<std::string> ids;
  for (const Signature& signature : shipped_signatures().signatures)
    ids.push_back(signature.id);
  return ids;
}

class Shipped : public testing::TestWithParam<std::string> {
 protected:
  static Signature shipped() {
    const auto all = shipped_signatures().signatures;
    return *std::ranges::find(all, GetParam(), &Signature::id);
  }

  static std::string winner(PgVersion version) {
    const auto match = catalogue().best(subject_for(shipped(), version));
    return match ? match->id : "none";
  }
};

TEST_P(Shipped, WinsOnItsOwnEvidence) {
  const Signature signature = shipped();
  if (signature.affected.empty()) {
    // A release that no bug of the catalogue is in.
    EXPECT_EQ(winner({99, 0}), signature.id);
  }
  for (const VersionSpan& span : signature.affected)
    for (const PgVersion version :
         {span.first, PgVersion{span.last.major, std::min(span.last.minor, 99)}}) {
      EXPECT_EQ(winner(version), signature.id) << to_string(version);
      EXPECT_EQ(catalogue().best(subject_for(signature, version))->claim, BugClaim::known);
    }
}

TEST_P(Shipped, ClaimsNothingOfAReleaseThatHasTheFix) {
  for (const PgVersion fix : shipped().fixed_in)
    EXPECT_NE(winner(fix), GetParam()) << to_string(fix);
}

TEST_P(Shipped, NeedsEachOfItsFrames) {
  const Signature signature = shipped();
  const PgVersion version =
      signature.affected.empty() ? PgVersion{99, 0} : signature.affected[0].first;
  for (std::size_t i = 0; i < signature.frames.size(); ++i) {
    SignatureSubject without = subject_for(signature, version);
    without.names.erase(without.names.begin() + static_cast<std::ptrdiff_t>(i));
    const auto match = catalogue().best(without);
    EXPECT_TRUE(!match || match->id != signature.id) << text_for(signature.frames[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Catalogue, Shipped, testing::ValuesIn(shipped_ids()), [](const auto& id) {
  std::string name = id.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(SignatureWords, AreTheVerdictsOwn) {
  std::vector<std::string> causes;
  for (int i = 0; i <= static_cast<int>(Cause::unknown); ++i)
    causes.emplace_back(to_string(static_cast<Cause>(i)));
  EXPECT_TRUE(std::ranges::equal(causes, kCauseNames));
  std::vector<std::string> gates;
  for (int i = 0; i <= static_cast<int>(Gate::exit); ++i)
    gates.emplace_back(to_string(static_cast<Gate>(i)));
  EXPECT_TRUE(std::ranges::equal(gates, kGateNames));
}

TEST(StackText, ReadsWhatTheFixturesHave) {
  const auto stack = parse_stack_text(
      "#0 open64 in /usr/lib/libc.so.6 +0xf8011 fde 0xf7fc0 normal\n"
      "#1 ? in /usr/lib/postgresql/15/bin/postgres +0x76259 fde 0x761e0 normal\n"
      "#2 <signal handler called>\n"
      "in_place, complete\n"
  );
  ASSERT_TRUE(stack);
  ASSERT_EQ(stack->frames.size(), 3U);
  EXPECT_EQ(stack->frames[0].function, "open64");
  EXPECT_EQ(stack->frames[0].module, "/usr/lib/libc.so.6");
  EXPECT_FALSE(stack->frames[1].function);
  EXPECT_EQ(stack->frames[2].kind, FrameKind::signal);
  EXPECT_EQ(subject_of(*stack).major, 15);
  EXPECT_FALSE(parse_stack_text("no frame\n#\n#x"));
  EXPECT_FALSE(parse_stack_text(""));
}

}  // namespace
}  // namespace pghang
