#include <gtest/gtest.h>

#include "diagnosis/verdict.h"
#include "tests/diagnosis/evidence_builder.h"

/// Each pair of neighbouring rows of DESIGN section 1's table: where evidence matches both, the
/// earlier wins. Rows that exclude each other within one sample meet over several.
namespace pghang {
namespace {

using tests::Given;

std::string cause_of(const Given& given) {
  return to_string(diagnose(given.evidence()).cause);
}

TEST(VerdictOrder, Row1GoneBeforeRow2Frozen) {
  EXPECT_EQ(
      cause_of(Given().state(ProcessState::zombie).samples([](Sample& s) { s.frozen = true; })),
      "gone"
  );
}

TEST(VerdictOrder, Row2FrozenBeforeRow3Traced) {
  EXPECT_EQ(
      cause_of(Given().state(ProcessState::traced).samples([](Sample& s) { s.frozen = true; })),
      "frozen"
  );
}

TEST(VerdictOrder, Row3TracedBeforeRow4StoppedWhenTracedLast) {
  EXPECT_EQ(cause_of(Given().states("TTt")), "traced");
  EXPECT_EQ(cause_of(Given().states("ttT")), "stopped");
}

TEST(VerdictOrder, Row4StoppedBeforeRow5Exiting) {
  EXPECT_EQ(cause_of(Given().state(ProcessState::stopped).exiting()), "stopped");
}

TEST(VerdictOrder, Row5ProgressBeforeRow5Exiting) {
  EXPECT_EQ(cause_of(Given().exiting().io_grows()), "making_progress");
}

TEST(VerdictOrder, Row5ExitingBeforeRow6UninterruptibleIo) {
  EXPECT_EQ(cause_of(Given().state(ProcessState::uninterruptible).exiting()), "exiting");
}

TEST(VerdictOrder, Row6ProgressBeforeRow6UninterruptibleIo) {
  EXPECT_EQ(cause_of(Given().state(ProcessState::uninterruptible).io_grows()), "making_progress");
}

TEST(VerdictOrder, Row6UninterruptibleIoBeforeRow7SignalIgnored) {
  EXPECT_EQ(
      cause_of(Given().state(ProcessState::uninterruptible).ignored(SIGTERM)),
      "uninterruptible_io"
  );
}

TEST(VerdictOrder, Row7SignalIgnoredBeforeRow8SignalsBlocked) {
  EXPECT_EQ(cause_of(Given().ignored(SIGTERM).pending(SIGTERM).blocked(SIGTERM)), "signal_ignored");
}

TEST(VerdictOrder, Row8SignalsBlockedBeforeRow9UndeliveredWhenBlockedLast) {
  EXPECT_EQ(
      cause_of(Given().pending(SIGTERM).latest([](Sample& s) {
        s.signals.blocked = tests::bit(SIGTERM);
      })),
      "signals_blocked"
  );
}

TEST(VerdictOrder, Row9UndeliveredBeforeRow10BlockedReporting) {
  EXPECT_EQ(cause_of(Given().pending(SIGTERM).stack({"ProcessInterrupts"})), "unknown");
}

TEST(VerdictOrder, Row9UndeliveredBeforeMissingFlags) {
  const Verdict verdict = diagnose(Given().pending(SIGTERM).flags_missing("x", "").evidence());
  EXPECT_EQ(verdict.gate, Gate::delivery);
}

TEST(VerdictOrder, Row10BlockedReportingBeforeRow11HandlerReplaced) {
  EXPECT_EQ(
      cause_of(Given().terminate_ago(60).stack({"errfinish", "ProcessInterrupts"})),
      "blocked_reporting"
  );
}

TEST(VerdictOrder, Row11HandlerReplacedNeverMeetsRow12) {
  // One needs the flag clear in every sample, the other set in every: mixed ones are neither.
  EXPECT_EQ(
      cause_of(Given().terminate_ago(60).critical().first([](Sample& s) {
        s.flags.proc_die_pending = 1;
      })),
      "not_stuck"
  );
}

TEST(VerdictOrder, Row12CriticalSectionBeforeRow13LwlockWait) {
  EXPECT_EQ(
      cause_of(Given().die_pending().critical().holdoff(1).stack({"LWLockAcquire"})),
      "critical_section"
  );
}

TEST(VerdictOrder, Row13LwlockWaitBeforeRow13InterruptsHeld) {
  EXPECT_EQ(cause_of(Given().die_pending().holdoff(1).stack({"LWLockAcquire"})), "lwlock_wait");
}

TEST(VerdictOrder, Row13InterruptsHeldBeforeRow14Spinning) {
  EXPECT_EQ(cause_of(Given().states("RRR").die_pending().holdoff(1)), "interrupts_held");
}

TEST(VerdictOrder, Row13InterruptsHeldBeforeRow15ClientWrite) {
  EXPECT_EQ(cause_of(Given().die_pending().holdoff(1).stack({"secure_write"})), "interrupts_held");
}

TEST(VerdictOrder, Row14SpinningBeforeRow15ClientWrite) {
  EXPECT_EQ(cause_of(Given().states("RRR").die_pending().stack({"secure_write"})), "spinning");
}

TEST(VerdictOrder, Row15ClientWriteBeforeRow15BlockingCall) {
  EXPECT_EQ(cause_of(Given().die_pending().stack({"secure_write"})), "client_write");
}

TEST(VerdictOrder, Row15BlockingCallBeforeRow16NotStuck) {
  EXPECT_EQ(cause_of(Given().die_pending()), "blocking_call");
}

TEST(VerdictOrder, ASetFlagIsJudgedEvenWithinTheGrace) {
  EXPECT_EQ(cause_of(Given().terminate_ago(1).die_pending()), "blocking_call");
}

TEST(VerdictOrder, AStoppedBackendIsStoppedWhateverItsFlags) {
  EXPECT_EQ(
      cause_of(Given().state(ProcessState::stopped).die_pending().holdoff(1).pending(SIGTERM)),
      "stopped"
  );
}

}  // namespace
}  // namespace pghang
