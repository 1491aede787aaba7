#include <gtest/gtest.h>

#include "diagnosis/verdict.h"
#include "tests/diagnosis/cluster_builder.h"
#include "tests/diagnosis/hangs.h"

/// Where another process of the cluster is the reason, the verdict names it, quotes what holds it,
/// and begins with what frees that one.
namespace pghang {
namespace {

using tests::call_on;
using tests::cluster;
using tests::descriptor;
using tests::Given;
using tests::Other;

Verdict verdict(Given given, const auto&... others) {
  return diagnose(given.capture(cluster(others...)).evidence());
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ClusterVerdict, OfALeaderQuotesTheWorkerThatIsStuck) {
  const Verdict said = verdict(
      tests::seed_leader(),
      Other(4712, "parallel worker for PID 4711 "),
      Other(4713, "parallel worker for PID 4711 ").state(ProcessState::stopped)
  );
  EXPECT_EQ(said.explanation, "held_workers");
  EXPECT_TRUE(contains(
      said.summary,
      "for its parallel workers to exit; it goes on when the last of them has. Left of them are "
      "pids 4712, 4713; of pid 4713: The parallel worker is stopped (SIGSTOP, SIGTSTP)"
  )) << said.summary;
  EXPECT_EQ(said.release.front().step, "Free pid 4713: kill -CONT 4713");
}

TEST(ClusterVerdict, OfALeaderSaysWhereAWorkerIsThatNothingHolds) {
  const Verdict said = verdict(tests::seed_leader(), Other(4712, "parallel worker for PID 4711"));
  EXPECT_TRUE(contains(
      said.summary,
      "Left of them is pid 4712; of pid 4712: The parallel worker waits in the kernel (ep_poll) "
      "(state S in 1 of 1 sample)."
  )) << said.summary;
  EXPECT_EQ(said.release.front().step, "pghangd diagnose 4712");
}

TEST(ClusterVerdict, OfALeaderIsSilentOnTheWorkersOfOthers) {
  const Verdict said = verdict(
      tests::seed_leader(),
      Other(4712, "parallel worker for PID 47110").state(ProcessState::stopped)
  );
  EXPECT_FALSE(contains(said.summary, "4712")) << said.summary;
}

TEST(ClusterVerdict, OfALeaderInAContainerKnowsItsWorkersByThePidInThere) {
  Given leader = tests::seed_leader();
  leader.capture([](Capture& capture) { capture.ns_pid = 17; });
  EXPECT_TRUE(contains(
      verdict(leader, Other(4712, "parallel worker for PID 17 ")).summary,
      "Left of them is pid 4712"
  ));
}

TEST(ClusterVerdict, OfAnLwLockNamesTheSuspectAndFreesItFirst) {
  const Verdict said =
      verdict(tests::waits_for_lwlock(), Other(5000).holdoff(2).state(ProcessState::stopped));
  EXPECT_EQ(said.explanation, "lwlock");
  EXPECT_TRUE(contains(
      said.summary,
      "Suspect: pid 5000 (postgres: 15/main: app shop [local] idle) waits in the kernel (ep_poll), "
      "state T, stopped by a signal; InterruptHoldoffCount=2."
  )) << said.summary;
  EXPECT_EQ(said.release.front().step, "Free pid 5000: kill -CONT 5000");
  EXPECT_TRUE(contains(said.detail, "1 other process of its cluster looked at")) << said.detail;
}

TEST(ClusterVerdict, OfAnLwLockWithoutASuspectSaysSo) {
  const Verdict said = verdict(tests::waits_for_lwlock(), Other(5000), Other(5001));
  EXPECT_TRUE(contains(said.summary, "(2 looked at) none is suspect")) << said.summary;
  EXPECT_TRUE(contains(said.release.front().step, "Find the holder"));
}

TEST(ClusterVerdict, OfAnLwLockWithoutASurveySaysNothingOfSuspects) {
  EXPECT_FALSE(contains(diagnose(tests::waits_for_lwlock().evidence()).summary, "uspect"));
}

TEST(ClusterVerdict, OfManySuspectsNamesThreeAndCountsTheRest) {
  const auto held = [](pid_t pid) {
    return Other(pid).holdoff(1).state(ProcessState::stopped);
  };
  const Verdict said =
      verdict(tests::waits_for_lwlock(), held(5000), held(5001), held(5002), held(5003), held(5004));
  EXPECT_TRUE(contains(said.summary, "pid 5002")) << said.summary;
  EXPECT_FALSE(contains(said.summary, "pid 5003")) << said.summary;
  EXPECT_TRUE(contains(said.summary, "; and 2 more.")) << said.summary;
}

Given commits() {
  return Given().die_pending().holdoff(1).critical().stack(
      {"libc.so.6:futex_wait", "PGSemaphoreLock", "LWLockAcquireOrWait", "XLogFlush", "PostgresMain"}
  );
}

Other flushes_wal() {
  FdTarget segment = descriptor(7, FdKind::file, "/data/pg_wal/000000010000000000000001");
  segment.mount = "/data";
  segment.fs_type = "ext4";
  return Other(5000, "app shop [local] COMMIT")
      .state(ProcessState::uninterruptible)
      .holdoff(1)
      .in_call(call_on("fdatasync", segment));
}

TEST(ClusterVerdict, OfAWalConvoyNamesWhoDoesNotGetDone) {
  const Verdict said = verdict(commits(), flushes_wal());
  EXPECT_EQ(said.cause, Cause::critical_section);
  EXPECT_EQ(said.explanation, "wal_convoy");
  EXPECT_TRUE(contains(
      said.summary,
      "whoever has it does not get done: pid 5000 (postgres: 15/main: app shop [local] COMMIT) "
      "waits in fdatasync(\"/data/pg_wal/000000010000000000000001\"), state D"
  )) << said.summary;
  EXPECT_TRUE(contains(said.release.front().step, "Free pid 5000: Find out why /data"))
      << said.release.front().step;
}

TEST(ClusterVerdict, OfACommitBehindOtherIoIsNoWalConvoy) {
  const auto elsewhere =
      flushes_wal().in_call(call_on("fdatasync", descriptor(7, FdKind::file, "/data/base/5/1")));
  EXPECT_EQ(verdict(commits(), elsewhere).explanation, "critical_section");
}

Given writes_to_log() {
  return Given()
      .die_pending()
      .in_call(call_on("write", descriptor(2, FdKind::pipe, "pipe:[9]")))
      .stack({"libc.so.6:__write", "write_pipe_chunks", "EmitErrorReport", "PostgresMain"});
}

TEST(ClusterVerdict, OfAFullLogPipeQuotesTheLoggerAndCountsWhoElseWaits) {
  const auto writer = [](pid_t pid) {
    return Other(pid).in_call(call_on("write", descriptor(2, FdKind::pipe, "pipe:[9]")));
  };
  const Verdict said = verdict(
      writes_to_log(),
      writer(5000),
      Other(4001, "logger ").state(ProcessState::stopped),
      writer(5001)
  );
  EXPECT_EQ(said.explanation, "log_pipe");
  EXPECT_TRUE(contains(
      said.summary,
      "nobody empties the log pipe. Its reader is pid 4001: The logger is stopped"
  )) << said.summary;
  EXPECT_TRUE(contains(said.summary, " 2 other processes of the cluster wait in the same write."));
  EXPECT_EQ(said.release.front().step, "Free pid 4001: kill -CONT 4001");
}

TEST(ClusterVerdict, OfAFullLogPipeWithoutALoggerNamesWhoeverReadsIt) {
  const Verdict said = diagnose(writes_to_log()
                                    .capture([](Capture& capture) {
                                      capture.syscall->fd->peers = {
                                          {4000, "postgres", ProcessState::sleeping, ""},
                                          {77, "tee", ProcessState::stopped, ""}};
                                    })
                                    .evidence());
  EXPECT_TRUE(contains(said.summary, "Its reader is tee (pid 77).")) << said.summary;
}

Given walsender() {
  return Given().capture([](Capture& capture) {
    capture.title = "postgres: walsender repl 10.0.0.2(5000) streaming 0/5000000";
  });
}

TEST(ClusterVerdict, OfAWalsenderKnowsTheShutdownByTheCheckpointer) {
  const auto told = Other(4001, "checkpointer ").with([](ClusterProcess& process) {
    process.sample.flags.shutdown_request_pending = 1;
  });
  EXPECT_EQ(verdict(walsender(), told).explanation, "walsender_shutdown");
  // It has written its checkpoint and gone.
  EXPECT_EQ(verdict(walsender(), Other(4002, "logger ")).explanation, "walsender_shutdown");
  EXPECT_EQ(verdict(walsender(), Other(4001, "checkpointer ")).explanation, "not_asked");
  EXPECT_EQ(diagnose(walsender().evidence()).explanation, "not_asked");
}

}  // namespace
}  // namespace pghang
