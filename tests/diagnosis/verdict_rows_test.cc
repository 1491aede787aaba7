#include <gtest/gtest.h>

#include "diagnosis/verdict.h"
#include "tests/diagnosis/evidence_builder.h"

/// Each row of DESIGN section 1's table alone, with its gate and confidence.
namespace pghang {
namespace {

using tests::Given;

struct Expected {
  Cause cause;
  Gate gate;
  Confidence confidence = Confidence::certain;
};

void expect(const Given& given, Expected expected) {
  const Verdict verdict = diagnose(given.evidence());
  EXPECT_STREQ(to_string(verdict.cause), to_string(expected.cause)) << verdict.summary;
  EXPECT_STREQ(to_string(verdict.gate), to_string(expected.gate)) << verdict.summary;
  EXPECT_STREQ(to_string(verdict.confidence), to_string(expected.confidence)) << verdict.summary;
}

TEST(VerdictRow, AProcessThatIsNotThereIsGone) {
  expect(Given().capture([](Capture& c) { c.gone = true; }), {Cause::gone, Gate::none});
}

TEST(VerdictRow, AZombieIsGone) {
  expect(Given().state(ProcessState::zombie), {Cause::gone, Gate::none});
}

TEST(VerdictRow, AFrozenCgroupIsFrozenThoughItsStateIsSleeping) {
  expect(Given().samples([](Sample& s) { s.frozen = true; }), {Cause::frozen, Gate::delivery});
}

TEST(VerdictRow, StateTracedIsTraced) {
  expect(Given().state(ProcessState::traced), {Cause::traced, Gate::delivery});
}

TEST(VerdictRow, StateStoppedIsStopped) {
  expect(Given().state(ProcessState::stopped), {Cause::stopped, Gate::delivery});
}

TEST(VerdictRow, ProcExitInProgressIsExitingWhateverItsState) {
  for (const char* states : {"SSS", "RRR", "DDD"})
    expect(Given().states(states).exiting(), {Cause::exiting, Gate::exit});
}

TEST(VerdictRow, AnExitThatMovesBytesMakesProgress) {
  expect(Given().exiting().io_grows(), {Cause::making_progress, Gate::exit});
}

TEST(VerdictRow, AnExitThatOnlyBurnsCpuMakesNoProgress) {
  expect(
      Given().exiting().latest([](Sample& s) { s.cpu_nanos += 20'000'000; }),
      {Cause::exiting, Gate::exit}
  );
}

TEST(VerdictRow, StateDThroughoutIsUninterruptibleIo) {
  expect(Given().state(ProcessState::uninterruptible), {Cause::uninterruptible_io, Gate::delivery});
}

TEST(VerdictRow, StateDIsJudgedWithoutFlags) {
  expect(
      Given().state(ProcessState::uninterruptible).flags_missing("Bad address", ""),
      {Cause::uninterruptible_io, Gate::delivery}
  );
}

TEST(VerdictRow, StateDInASingleSampleIsOnlyLikely) {
  expect(Given().states("D"), {Cause::uninterruptible_io, Gate::delivery, Confidence::likely});
}

TEST(VerdictRow, StateDThatMovesBytesMakesProgress) {
  expect(
      Given().state(ProcessState::uninterruptible).io_grows().switches_change(),
      {Cause::making_progress, Gate::delivery}
  );
}

TEST(VerdictRow, StateDThatWakesInBetweenIsNotUninterruptibleIo) {
  expect(
      Given().state(ProcessState::uninterruptible).switches_change(),
      {Cause::not_stuck, Gate::none}
  );
}

TEST(VerdictRow, AnIgnoredSigtermIsSignalIgnored) {
  expect(Given().ignored(SIGTERM), {Cause::signal_ignored, Gate::handler});
}

TEST(VerdictRow, APendingAndBlockedSigtermIsSignalsBlocked) {
  expect(Given().pending(SIGTERM).blocked(SIGTERM), {Cause::signals_blocked, Gate::delivery});
}

TEST(VerdictRow, ABlockedSigtermThatNobodySentIsNothing) {
  expect(Given().blocked(SIGTERM), {Cause::not_stuck, Gate::none});
}

TEST(VerdictRow, APendingUnblockedSigtermInEverySampleContradictsItself) {
  for (const char* states : {"SSS", "RRR"})
    expect(
        Given().states(states).pending(SIGTERM),
        {Cause::unknown, Gate::delivery, Confidence::possible}
    );
}

TEST(VerdictRow, APendingSigtermInAnEarlierSampleOnlyIsNothing) {
  expect(
      Given().first([](Sample& s) { s.signals.pending_process = tests::bit(SIGTERM); }),
      {Cause::not_stuck, Gate::none}
  );
}

TEST(VerdictRow, ProcessInterruptsOnTheStackWithTheFlagClearIsBlockedReporting) {
  expect(
      Given().terminate_ago(60).stack({"EmitErrorReport", "errfinish", "ProcessInterrupts"}),
      {Cause::blocked_reporting, Gate::service}
  );
  expect(
      Given().terminate_ago(60).stack({"WaitLatch", "ProcessInterrupts"}),
      {Cause::blocked_reporting, Gate::service, Confidence::likely}
  );
}

TEST(VerdictRow, AReportWhoseCallerHasNoNameIsBlockedReportingOnceTheGraceIsOver) {
  // ProcessInterrupts.cold of Debian's PostgreSQL 15, as the zoo's log_pipe_terminate shows it.
  const Given reporting =
      Given().stack({"__write", "write_pipe_chunks", "EmitErrorReport", "errfinish", ""});
  expect(
      Given(reporting).terminate_ago(60),
      {Cause::blocked_reporting, Gate::service, Confidence::likely}
  );
  expect(Given(reporting).terminate_ago(30), {Cause::not_stuck, Gate::none});
  expect(
      Given().stack({"EmitErrorReport", "errfinish", "", "ProcessClientReadInterrupt"}),
      {Cause::blocked_reporting, Gate::service, Confidence::likely}
  );
}

TEST(VerdictRow, AnAcceptedTerminateThatLeftNoTraceIsHandlerReplaced) {
  expect(Given().terminate_ago(31), {Cause::handler_replaced, Gate::handler, Confidence::likely});
}

TEST(VerdictRow, ATerminateWithinItsGraceReplacedNoHandler) {
  expect(Given().terminate_ago(30), {Cause::not_stuck, Gate::none});
}

TEST(VerdictRow, APendingTerminateInACriticalSectionIsCriticalSection) {
  expect(Given().die_pending().critical(), {Cause::critical_section, Gate::service});
}

TEST(VerdictRow, HeldInterruptsBelowAnLwLockAreLwlockWait) {
  for (const char* function : {"LWLockAcquire", "LWLockAcquireOrWait", "LWLockWaitForVar"})
    expect(
        Given().die_pending().holdoff(1).stack({"PGSemaphoreLock", function}),
        {Cause::lwlock_wait, Gate::service}
    );
}

TEST(VerdictRow, HeldInterruptsWithAnLwLockWaitEventAreLwlockWait) {
  expect(
      Given().die_pending().holdoff(1).latest([](Sample& s) {
        s.flags.wait_event_info = 0x0100'0007;
      }),
      {Cause::lwlock_wait, Gate::service}
  );
  expect(
      Given().die_pending().holdoff(1).activity([](Activity& a) { a.wait_event_type = "lwlock"; }),
      {Cause::lwlock_wait, Gate::service}
  );
}

TEST(VerdictRow, TheWaitEventInMemoryOutweighsTheOlderRow) {
  expect(
      Given().die_pending().holdoff(1).activity([](Activity& a) { a.wait_event_type = "LWLock"; }
      ).latest([](Sample& s) { s.flags.wait_event_info = 0x0800'0001; }),
      {Cause::interrupts_held, Gate::service}
  );
}

TEST(VerdictRow, HeldInterruptsAreInterruptsHeldAsleepOrRunning) {
  for (const char* states : {"SSS", "RRR"})
    expect(
        Given().states(states).die_pending().holdoff(3),
        {Cause::interrupts_held, Gate::service}
    );
}

TEST(VerdictRow, InterruptsThatWereFreeInBetweenDidNotHoldItBack) {
  expect(
      Given().states("RRR").die_pending().holdoff(1).first([](Sample& s) {
        s.flags.interrupt_holdoff_count = 0;
      }),
      {Cause::spinning, Gate::service}
  );
}

TEST(VerdictRow, ATerminateOnCpuIsSpinning) {
  expect(Given().states("RRR").die_pending(), {Cause::spinning, Gate::service});
}

TEST(VerdictRow, TheMajorityOfSamplesSaysWhetherItSpins) {
  expect(Given().states("RRS").die_pending(), {Cause::spinning, Gate::service, Confidence::likely});
  expect(
      Given().states("SSR").die_pending(),
      {Cause::blocking_call, Gate::service, Confidence::likely}
  );
}

TEST(VerdictRow, TheLatestSampleBreaksATie) {
  expect(Given().states("SR").die_pending(), {Cause::spinning, Gate::service, Confidence::likely});
  expect(
      Given().states("RS").die_pending(),
      {Cause::blocking_call, Gate::service, Confidence::likely}
  );
}

TEST(VerdictRow, ATerminateAsleepIsABlockingCall) {
  expect(Given().die_pending(), {Cause::blocking_call, Gate::service});
}

TEST(VerdictRow, ASleepInSecureWriteIsClientWrite) {
  for (const char* function : {"secure_write", "be_tls_write"})
    expect(
        Given().die_pending().stack({"WaitEventSetWait", function}),
        {Cause::client_write, Gate::service}
    );
}

TEST(VerdictRow, AClientWriteWaitEventIsClientWrite) {
  expect(
      Given().die_pending().activity([](Activity& a) { a.wait_event = "clientwrite"; }),
      {Cause::client_write, Gate::service}
  );
  expect(
      Given().die_pending().latest([](Sample& s) { s.flags.wait_event_info = 0x0600'0001; }),
      {Cause::client_write, Gate::service}
  );
}

TEST(VerdictRow, AFlagSetByTheLatestSampleOnlyIsTooFreshToCall) {
  expect(
      Given().latest([](Sample& s) { s.flags.proc_die_pending = 1; }),
      {Cause::not_stuck, Gate::none}
  );
}

TEST(VerdictRow, WithNothingAskedItIsNotStuck) {
  expect(Given(), {Cause::not_stuck, Gate::none});
}

}  // namespace
}  // namespace pghang
