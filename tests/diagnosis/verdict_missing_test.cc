#include <gtest/gtest.h>

#include "diagnosis/verdict.h"
#include "tests/diagnosis/evidence_builder.h"

/// `unknown` is said only with a reason: what is missing, what it needs, or what contradicts
/// itself.
namespace pghang {
namespace {

using tests::Given;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(MissingEvidence, WithoutFlagsTheVerdictNamesTheirErrorAndCapability) {
  const Verdict verdict = diagnose(Given()
                                       .terminate_ago(60)
                                       .flags_missing("Operation not permitted", "CAP_SYS_PTRACE")
                                       .evidence());
  EXPECT_EQ(verdict.cause, Cause::unknown);
  EXPECT_EQ(verdict.confidence, Confidence::possible);
  EXPECT_TRUE(contains(verdict.summary, "Operation not permitted; needs CAP_SYS_PTRACE"))
      << verdict.summary;
  EXPECT_TRUE(contains(verdict.summary, "received the terminate"));
  EXPECT_EQ(verdict.release.front().step, "Run again with CAP_SYS_PTRACE");
}

TEST(MissingEvidence, WithoutFlagsNobodyKnowsWhetherItWasAsked) {
  const Verdict verdict = diagnose(Given().flags_missing("EPERM", "").evidence());
  EXPECT_EQ(verdict.cause, Cause::unknown);
  EXPECT_TRUE(contains(verdict.summary, "was asked to stop"));
}

TEST(MissingEvidence, OneFlagThatARowReadsIsEnoughToMiss) {
  for (const auto& lose :
       {+[](Sample& s) { s.flags.interrupt_holdoff_count.reset(); },
        +[](Sample& s) { s.flags.crit_section_count.reset(); },
        +[](Sample& s) { s.flags.proc_exit_inprogress.reset(); },
        +[](Sample& s) {
          s.flags.proc_die_pending.reset();
        }})
    EXPECT_EQ(diagnose(Given().terminate_ago(60).samples(lose).evidence()).cause, Cause::unknown);
}

TEST(MissingEvidence, FlagsThatNoRowReadsMayBeMissing) {
  EXPECT_EQ(
      diagnose(Given()
                   .die_pending()
                   .samples([](Sample& s) {
                     s.flags.shutdown_request_pending.reset();
                     s.flags.interrupt_pending.reset();
                   })
                   .evidence())
          .cause,
      Cause::blocking_call
  );
}

TEST(MissingEvidence, AnEarlierSampleWithoutFlagsDoesNotHideTheOthers) {
  EXPECT_EQ(
      diagnose(Given().die_pending().first([](Sample& s) { s.flags = {}; }).evidence()).cause,
      Cause::blocking_call
  );
}

TEST(MissingEvidence, AnUnreadableStateIsUnknownAndSaysWhy) {
  const Verdict verdict =
      diagnose(Given()
                   .state(ProcessState::unknown)
                   .die_pending()
                   .capture([](Capture& c) {
                     c.missing.push_back({"status", "EACCES", "CAP_SYS_PTRACE"});
                   })
                   .evidence());
  EXPECT_EQ(verdict.cause, Cause::unknown);
  EXPECT_TRUE(contains(verdict.summary, "EACCES; needs CAP_SYS_PTRACE")) << verdict.summary;
}

TEST(MissingEvidence, WithoutASampleNothingIsKnown) {
  const Verdict verdict =
      diagnose(Given().capture([](Capture& c) { c.samples.clear(); }).evidence());
  EXPECT_EQ(verdict.cause, Cause::unknown);
}

TEST(MissingEvidence, AProcessWithoutPostgresSymbolsIsSaidToBeNone) {
  const Verdict verdict = diagnose(Given().capture([](Capture& c) { c.postgres = false; }
  ).samples([](Sample& s) {
     s.flags = {};
   }).evidence());
  EXPECT_EQ(verdict.cause, Cause::unknown);
  EXPECT_TRUE(contains(verdict.summary, "does not look like PostgreSQL"));
}

TEST(MissingEvidence, UnreadableSymbolsAreNotTakenForAnotherProgram) {
  const Verdict verdict = diagnose(Given()
                                       .capture([](Capture& c) { c.postgres = false; })
                                       .flags_missing("its symbols could not be read", "")
                                       .evidence());
  EXPECT_EQ(verdict.cause, Cause::unknown);
  EXPECT_TRUE(contains(verdict.summary, "its symbols could not be read"));
}

TEST(MissingEvidence, WithoutIoCountersAnExitIsJudgedAndTheGapIsQuoted) {
  const Verdict verdict =
      diagnose(Given().exiting().samples([](Sample& s) { s.io.reset(); }).evidence());
  EXPECT_EQ(verdict.cause, Cause::exiting);
  EXPECT_TRUE(contains(verdict.detail, "I/O counters not available"));
}

TEST(AuxiliaryProcess, IsJudgedByShutdownRequestPending) {
  const Verdict verdict =
      diagnose(Given()
                   .activity([](Activity& a) { a.backend_type = "walwriter"; })
                   .terminate_ago(60)
                   .samples([](Sample& s) { s.flags.shutdown_request_pending = 1; })
                   .evidence());
  EXPECT_EQ(verdict.cause, Cause::blocking_call);
  EXPECT_TRUE(contains(verdict.summary, "The walwriter received the terminate"));
  EXPECT_TRUE(contains(verdict.detail, "ShutdownRequestPending=1"));
}

TEST(AuxiliaryProcess, WithNoFlagSetReplacedNoHandler) {
  const Verdict verdict = diagnose(
      Given().activity([](Activity& a) { a.backend_type = "startup"; }).terminate_ago(60).evidence()
  );
  EXPECT_EQ(verdict.cause, Cause::unknown);
  EXPECT_TRUE(contains(verdict.summary, "variable without an exported name"));
}

TEST(AuxiliaryProcess, ThatIgnoresSigtermDoesSoByDesign) {
  const Verdict verdict =
      diagnose(Given()
                   .capture([](Capture& c) { c.title = "postgres: 15/main: checkpointer "; })
                   .ignored(SIGTERM)
                   .evidence());
  EXPECT_EQ(verdict.cause, Cause::signal_ignored);
  EXPECT_TRUE(contains(verdict.summary, "The checkpointer ignores SIGTERM by design"));
}

TEST(ClientBackend, IsNotJudgedByShutdownRequestPending) {
  EXPECT_EQ(
      diagnose(Given().samples([](Sample& s) { s.flags.shutdown_request_pending = 1; }).evidence())
          .cause,
      Cause::not_stuck
  );
}

}  // namespace
}  // namespace pghang
