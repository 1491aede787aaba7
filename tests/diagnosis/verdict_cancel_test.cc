#include <gtest/gtest.h>

#include "diagnosis/verdict.h"
#include "tests/diagnosis/evidence_builder.h"

/// The same table read for a cancel, and which of two requests is judged.
namespace pghang {
namespace {

using tests::Given;

std::string cause_of(const Given& given) {
  return to_string(diagnose(given.evidence()).cause);
}

TEST(CancelVerdict, ReadsSigintAndQueryCancelPending) {
  EXPECT_EQ(cause_of(Given().cancel_ago(60).ignored(SIGINT)), "signal_ignored");
  EXPECT_EQ(cause_of(Given().pending(SIGINT).blocked(SIGINT)), "signals_blocked");
  EXPECT_EQ(cause_of(Given().pending(SIGINT)), "unknown");
  EXPECT_EQ(cause_of(Given().cancel_pending()), "blocking_call");
  EXPECT_EQ(cause_of(Given().states("RRR").cancel_pending()), "spinning");
  EXPECT_EQ(cause_of(Given().cancel_pending().critical()), "critical_section");
  EXPECT_EQ(cause_of(Given().cancel_pending().holdoff(1)), "interrupts_held");
  EXPECT_EQ(cause_of(Given().cancel_pending().holdoff(1).stack({"LWLockAcquire"})), "lwlock_wait");
}

TEST(CancelVerdict, AnIgnoredSigtermDoesNotMatterToACancel) {
  EXPECT_EQ(cause_of(Given().cancel_pending().ignored(SIGTERM)), "blocking_call");
}

TEST(CancelVerdict, IsHeldByQueryCancelHoldoffCountAlone) {
  const auto hold = [](Sample& s) {
    s.flags.query_cancel_holdoff_count = 1;
  };
  const Verdict verdict = diagnose(Given().cancel_pending().samples(hold).evidence());
  EXPECT_EQ(verdict.cause, Cause::interrupts_held);
  ASSERT_FALSE(verdict.release.empty());
  EXPECT_EQ(verdict.release.front().step, "SELECT pg_terminate_backend(4711);");
}

TEST(CancelVerdict, QueryCancelHoldoffCountHoldsNoTerminate) {
  EXPECT_EQ(
      cause_of(Given().die_pending().samples([](Sample& s) {
        s.flags.query_cancel_holdoff_count = 1;
      })),
      "blocking_call"
  );
}

TEST(CancelVerdict, AClientThatDoesNotReadIsEndedByTerminate) {
  const Verdict verdict = diagnose(Given().cancel_pending().stack({"secure_write"}).evidence());
  EXPECT_EQ(verdict.cause, Cause::client_write);
  EXPECT_EQ(verdict.release.back().step, "SELECT pg_terminate_backend(4711);");
}

TEST(CancelVerdict, ThatLeftNoTraceIsOnlyPossiblyAReplacedHandler) {
  const Verdict verdict = diagnose(Given().cancel_ago(60).evidence());
  EXPECT_EQ(verdict.cause, Cause::handler_replaced);
  EXPECT_EQ(verdict.confidence, Confidence::possible);
  EXPECT_NE(verdict.summary.find("the statement caught the cancel"), std::string::npos);
}

TEST(CancelVerdict, OfAnIdleSessionIsIgnoredByDesign) {
  const Verdict verdict =
      diagnose(Given().cancel_ago(60).activity([](Activity& a) { a.state = "idle in transaction"; }
      ).evidence());
  EXPECT_EQ(verdict.cause, Cause::not_stuck);
  EXPECT_NE(verdict.summary.find("ignores a cancel by design"), std::string::npos);
}

TEST(CancelVerdict, ThatHangsInItsRollbackIsInterruptsHeld) {
  // The leader of BUG #15290: the cancel was taken, its flag is clear, AbortTransaction hangs.
  const Verdict verdict = diagnose(
      Given().cancel_ago(60).holdoff(3).stack({"WaitLatch", "AbortCurrentTransaction"}).evidence()
  );
  EXPECT_EQ(verdict.cause, Cause::interrupts_held);
  EXPECT_EQ(verdict.confidence, Confidence::likely);
  EXPECT_NE(verdict.summary.find("rolls back"), std::string::npos);
}

TEST(CancelVerdict, GivesWayToATerminateThatWasAsked) {
  const Verdict verdict = diagnose(Given().cancel_ago(90).terminate_ago(60).evidence());
  EXPECT_NE(verdict.summary.find("A terminate was accepted 60 s ago"), std::string::npos);
}

TEST(CancelVerdict, GivesWayToATerminateThatSomebodyElseSent) {
  for (const Given& given :
       {Given().cancel_ago(90).cancel_pending().die_pending(),
        Given().cancel_ago(90).cancel_pending().pending(SIGTERM).blocked(SIGTERM)}) {
    const Verdict verdict = diagnose(given.evidence());
    EXPECT_NE(verdict.summary.find("terminate"), std::string::npos) << verdict.summary;
  }
}

}  // namespace
}  // namespace pghang
