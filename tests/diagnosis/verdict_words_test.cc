#include <gtest/gtest.h>

#include "diagnosis/verdict.h"
#include "tests/diagnosis/hangs.h"

/// What a DBA reads: the sentence, the first way out and the quoted evidence.
namespace pghang {
namespace {

using tests::call_on;
using tests::descriptor;
using tests::Given;
using tests::plain_call;

std::string summary(const Given& given) {
  return diagnose(given.evidence()).summary;
}

std::string first_step(const Given& given) {
  const auto release = diagnose(given.evidence()).release;
  return release.empty() ? "" : release.front().step;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(VerdictWords, OfAFifoNameItAndOpenItsOtherEnd) {
  const Verdict verdict = diagnose(tests::copy_from_fifo().evidence());
  EXPECT_EQ(
      verdict.summary,
      "The backend received the terminate but cannot act on it: it waits in "
      "openat(\"/tmp/x/fifo\"), a FIFO that nobody has opened for writing; this call is restarted "
      "after every signal."
  );
  EXPECT_EQ(
      verdict.detail,
      "ProcDiePending=1; InterruptHoldoffCount=0, CritSectionCount=0; state S in 3 of 3 samples; "
      "no "
      "context switch and 0.00 s CPU between them; wchan wait_for_partner; openat(AT_FDCWD, "
      "\"/tmp/x/fifo\", O_RDONLY)"
  );
  ASSERT_EQ(verdict.release.size(), 2U);
  EXPECT_EQ(verdict.release[0].step, "timeout 5 tee -a /tmp/x/fifo < /dev/null");
  EXPECT_EQ(verdict.release[1].step, "Last resort: pg_ctl restart -m immediate");
}

TEST(VerdictWords, OfAnOpenCallASayFifoOnlyWhereEvidenceDoes) {
  const auto blocked = [](const char* wchan) {
    return tests::copy_from_fifo().capture([=](Capture& c) { c.wchan = wchan; });
  };
  EXPECT_FALSE(contains(summary(blocked("")), "FIFO"));
  EXPECT_FALSE(contains(summary(blocked("nfs_lookup")), "FIFO"));
  EXPECT_TRUE(contains(summary(blocked("fifo_open")), "FIFO"));
  EXPECT_TRUE(contains(
      summary(blocked("").capture([](Capture& c) { c.kernel_stack = {"wait_for_partner+0x1/0x2"}; })
      ),
      "FIFO"
  ));
  EXPECT_TRUE(contains(
      summary(blocked("").capture([](Capture& c) {
        c.syscall->fd = descriptor(-1, FdKind::fifo, "/tmp/x/fifo");
      })),
      "FIFO"
  ));
}

TEST(VerdictWords, OfAFifoOpenedForWritingReadIt) {
  const Given given =
      tests::copy_from_fifo().in_call(tests::open_fifo("/tmp/a b", "O_WRONLY|O_CREAT|O_TRUNC, 0666")
      );
  EXPECT_TRUE(contains(summary(given), "nobody has opened for reading"));
  EXPECT_EQ(first_step(given), "timeout 5 cat '/tmp/a b' > /dev/null");
}

TEST(VerdictWords, ReachAPathInAContainerThroughItsRoot) {
  EXPECT_TRUE(contains(
      first_step(tests::copy_from_fifo().capture([](Capture& c) { c.ns_pid = 17; })),
      "/proc/4711/root/tmp/x/fifo"
  ));
}

TEST(VerdictWords, ReachARelativePathThroughTheWorkingDirectory) {
  EXPECT_TRUE(contains(
      first_step(tests::copy_from_fifo().in_call(tests::open_fifo("fifo", "O_RDONLY"))),
      "/proc/4711/cwd/fifo"
  ));
}

TEST(VerdictWords, OfAPathWithShellCharactersQuoteIt) {
  EXPECT_EQ(
      first_step(tests::copy_from_fifo().in_call(tests::open_fifo("/x/$(reboot)'", "O_RDONLY"))),
      R"(timeout 5 tee -a '/x/$(reboot)'\''' < /dev/null)"
  );
}

TEST(VerdictWords, OfASpinNameTheLibraries) {
  EXPECT_EQ(
      summary(tests::python_loop()),
      "The backend received the terminate but runs in plpython3.so → libpython3.11.so.1.0, "
      "PL/Python "
      "code that does not come back to PostgreSQL, where it would be served."
  );
}

TEST(VerdictWords, OfASpinInPostgresNameTheFunction) {
  EXPECT_TRUE(contains(
      summary(Given().states("RRR").die_pending().stack({"", "gingetbitmap", "PostgresMain"})),
      "runs in gingetbitmap without reaching CHECK_FOR_INTERRUPTS()"
  ));
}

TEST(VerdictWords, OfASpinWithoutAStackSaySo) {
  EXPECT_TRUE(contains(
      summary(Given().states("RRR").die_pending()),
      "is on CPU, where exactly could not be read"
  ));
}

TEST(VerdictWords, OfTheSeedsWorkerNameTheWaitAndTheHoldoff) {
  const std::string words = summary(tests::seed_worker());
  EXPECT_TRUE(contains(
      words,
      "The parallel worker received the terminate but holds interrupts "
      "(InterruptHoldoffCount=1), so it is not served"
  )) << words;
  EXPECT_TRUE(contains(words, "called from _bt_parallel_seize (wait event IPC/BtreePage)"))
      << words;
}

TEST(VerdictWords, OfTheSeedsWorkerSendToItsGroup) {
  EXPECT_TRUE(contains(first_step(tests::seed_worker()), "WHERE 4700 IN (pid, leader_pid);"));
}

TEST(VerdictWords, OfTheSeedsLeaderSendToItsWorkers) {
  EXPECT_TRUE(contains(summary(tests::seed_leader()), "for its parallel workers to exit"));
  EXPECT_TRUE(contains(first_step(tests::seed_leader()), "WHERE leader_pid = 4711;"));
}

TEST(VerdictWords, OfAStoppedBackendContinueIt) {
  EXPECT_EQ(first_step(Given().state(ProcessState::stopped)), "kill -CONT 4711");
}

TEST(VerdictWords, OfATracedBackendNameTheTracer) {
  const Given named = Given().state(ProcessState::traced).capture([](Capture& c) {
    c.tracer = RelatedProcess{99, "gdb", ProcessState::sleeping, ""};
  });
  EXPECT_TRUE(contains(summary(named), "held stopped by gdb (pid 99)"));
  const Given numbered =
      Given().state(ProcessState::traced).samples([](Sample& s) { s.tracer_pid = 77; });
  EXPECT_TRUE(contains(summary(numbered), "a tracer (pid 77)"));
  EXPECT_TRUE(contains(diagnose(numbered.evidence()).detail, "TracerPid=77"));
}

TEST(VerdictWords, OfAZombieNameTheParent) {
  EXPECT_TRUE(contains(first_step(Given().state(ProcessState::zombie)), "diagnose 4000"));
  EXPECT_EQ(first_step(Given().capture([](Capture& c) { c.gone = true; })), "");
}

TEST(VerdictWords, OfAFrozenFileSystemThawIt) {
  EXPECT_TRUE(contains(summary(tests::frozen_file_system()), "appears to be frozen, /mnt/ts"));
  EXPECT_EQ(first_step(tests::frozen_file_system()), "fsfreeze -u /mnt/ts");
}

TEST(VerdictWords, OfANetworkFileSystemNameIt) {
  const Given given = tests::frozen_file_system().capture([](Capture& c) {
    c.wchan = "rpc_wait_bit_killable";
    c.kernel_stack.clear();
    c.syscall->fd->fs_type = "nfs4";
  });
  EXPECT_TRUE(contains(summary(given), "the nfs4 file system at /mnt/ts, which does not answer"));
}

TEST(VerdictWords, OfADStateNeverAdviseWhatItCannotTake) {
  for (const ReleaseStep& step : diagnose(tests::frozen_file_system().evidence()).release) {
    EXPECT_FALSE(contains(step.step, "pg_ctl")) << step.step;
    EXPECT_FALSE(contains(step.step, "kill")) << step.step;
  }
}

TEST(VerdictWords, OfAProgramThatCopyStartedEndIt) {
  const auto child = [](Capture& c) {
    c.children = {{4800, "sh", ProcessState::sleeping, ""}};
  };
  const Given waits =
      Given().die_pending().in_call(plain_call("wait4", "4800, ...")).capture(child);
  EXPECT_TRUE(contains(summary(waits), "for the program that it started, sh (pid 4800)"));
  EXPECT_EQ(first_step(waits), "kill -TERM 4800, then kill -KILL 4800");
}

TEST(VerdictWords, OfAPipeNameWhoHoldsTheOtherEnd) {
  FdTarget fd = descriptor(9, FdKind::pipe, "pipe:[123]");
  fd.peers = {{4801, "sleep", ProcessState::sleeping, ""}};
  const Given given = Given().die_pending().in_call(call_on("read", fd));
  EXPECT_TRUE(contains(summary(given), "for sleep (pid 4801) at the other end of the pipe"));
  EXPECT_EQ(first_step(given), "End what holds the other end: kill -TERM 4801");
}

TEST(VerdictWords, NeverAdviseToEndTheServerThatHoldsTheLogPipe) {
  FdTarget fd = descriptor(2, FdKind::pipe, "pipe:[9]");
  fd.peers = {
      {4000, "postgres", ProcessState::sleeping, ""},
      {4001, "postgres", ProcessState::sleeping, ""}};
  for (const Given& given :
       {Given().die_pending().in_call(call_on("write", fd)),
        Given().die_pending().in_call(call_on("write", fd)).stack({"write_pipe_chunks"})})
    for (const ReleaseStep& step : diagnose(given.evidence()).release)
      EXPECT_FALSE(contains(step.step, "kill -TERM")) << step.step;
}

TEST(VerdictWords, OfASocketNameThePeer) {
  FdTarget fd = descriptor(8, FdKind::socket, "socket:[5]");
  fd.peers = {{0, "", ProcessState::unknown, "10.0.0.9:1521"}};
  EXPECT_TRUE(contains(
      summary(Given().die_pending().in_call(call_on("recvfrom", fd))),
      "waits in recvfrom(8), for the other end of a connection (10.0.0.9:1521) to answer"
  ));
}

TEST(VerdictWords, OfAFileLockNameWhoHoldsIt) {
  FdTarget fd = descriptor(8, FdKind::file, "/srv/lock");
  fd.lock = "FLOCK WRITE";
  fd.peers = {{4801, "backup", ProcessState::stopped, ""}};
  const Given given = Given().die_pending().in_call(call_on("flock", fd));
  EXPECT_TRUE(contains(
      summary(given),
      R"(waits in flock("/srv/lock"), for a file lock (FLOCK WRITE) that backup (pid 4801) holds)"
  )) << summary(given);
  EXPECT_EQ(first_step(given), "End what holds the lock: kill -TERM 4801");
  fd.peers.clear();
  EXPECT_TRUE(contains(
      summary(Given().die_pending().in_call(call_on("flock", fd))),
      "that a process that could not be found holds"
  ));
}

TEST(VerdictWords, OfAClientThatDoesNotReadNameIt) {
  const Given given =
      Given().die_pending().in_call(tests::wait_for_client()).stack({"secure_write"});
  EXPECT_TRUE(contains(
      summary(given),
      "a client that does not read, psql (pid 811) at 127.0.0.1:51234; it waits"
  )) << summary(given);
}

TEST(VerdictWords, OfAFileSystemNameItsDeviceAndItsServer) {
  const auto on = [](const auto& change) {
    return tests::frozen_file_system().capture([change](Capture& c) {
      c.wchan = "folio_wait_bit";
      c.kernel_stack.clear();
      change(*c.syscall->fd);
    });
  };
  EXPECT_TRUE(contains(
      summary(on([](FdTarget&) {})),
      "the file system at /mnt/ts (ext4 on /dev/loop0, backed by /srv/tablespace.img)"
  ));
  const Given fuse = on([](FdTarget& fd) {
    fd.fs_type = "fuse.sshfs";
    fd.fuse_connection = 45;
    fd.servers = {{812, "sshfs", ProcessState::sleeping, ""}};
    fd.servers_certain = true;
  });
  EXPECT_TRUE(contains(
      summary(fuse),
      "the fuse.sshfs file system at /mnt/ts, served by sshfs (pid 812), which does not answer"
  ));
  const Verdict verdict = diagnose(fuse.evidence());
  ASSERT_EQ(verdict.release.size(), 5U);
  EXPECT_TRUE(contains(verdict.release[1].step, "kill 812"));
  EXPECT_EQ(verdict.release[2].step, "echo 1 > /sys/fs/fuse/connections/45/abort");
  EXPECT_TRUE(contains(
      summary(on([](FdTarget& fd) {
        fd.fs_type = "nfs4";
        fd.servers = {{0, "", ProcessState::unknown, "filer (10.0.0.9)"}};
        fd.servers_certain = true;
      })),
      "the nfs4 file system at /mnt/ts, served by filer (10.0.0.9), which does not answer"
  ));
}

TEST(VerdictWords, OfASleepNameWhoSleeps) {
  EXPECT_TRUE(contains(
      summary(Given()
                  .die_pending()
                  .in_call(plain_call("clock_nanosleep", "..."))
                  .stack({"libc.so.6:clock_nanosleep", "postgis-3.so:f"})),
      "it waits in clock_nanosleep(), called from postgis-3.so, which goes on after every signal"
  ));
}

TEST(VerdictWords, WithoutASystemCallFallBackOnStackThenKernel) {
  EXPECT_TRUE(contains(
      summary(Given().die_pending().stack({"libc.so.6:__poll", "f", "PostgresMain"})),
      "waits in poll(), called from f"
  ));
  EXPECT_TRUE(contains(
      summary(Given().die_pending().capture([](Capture& c) { c.wchan = "do_wait"; })),
      "waits in the kernel (do_wait)"
  ));
  EXPECT_TRUE(contains(summary(Given().die_pending()), "where exactly could not be read"));
}

TEST(VerdictWords, OfAReportToTheLogLookAtTheLogger) {
  EXPECT_TRUE(contains(
      first_step(Given().terminate_ago(60).stack(
          {"write_pipe_chunks", "EmitErrorReport", "errfinish", "ProcessInterrupts"}
      )),
      "nobody empties the log pipe"
  ));
}

TEST(VerdictWords, OfAReportToTheClientCutTheConnection) {
  EXPECT_TRUE(contains(
      summary(Given().terminate_ago(60).stack({"secure_write", "errfinish", "ProcessInterrupts"})),
      "hangs while it tells its client, which does not read"
  ));
}

TEST(VerdictWords, OfBlockedSignalsInSharedMemorySayItIsByDesign) {
  EXPECT_TRUE(contains(
      summary(Given().pending(SIGTERM).blocked(SIGTERM).stack({"posix_fallocate", "dsm_create"})),
      "allocates dynamic shared memory, by design"
  ));
}

TEST(VerdictWords, OfProgressQuoteTheBytes) {
  EXPECT_TRUE(contains(summary(Given().exiting().io_grows()), "8192 bytes read and 0 written"));
}

TEST(VerdictWords, OfABackendThatNobodyAskedNeverSayStuck) {
  const Verdict verdict = diagnose(Given().in_call(plain_call("epoll_wait", "4, ...")).evidence());
  EXPECT_EQ(
      verdict.summary,
      "Nothing was asked of the backend: no cancel or terminate is pending; it waits in "
      "epoll_wait()."
  );
  EXPECT_FALSE(contains(verdict.detail, "stuck"));
  EXPECT_TRUE(verdict.release.empty());
}

TEST(VerdictWords, WithinTheGraceSayHowLong) {
  EXPECT_TRUE(contains(
      summary(Given().terminate_ago(5)),
      "The terminate was accepted 5.00 s ago, within its grace of 30 s"
  ));
}

TEST(VerdictWords, UseThePidTheServerKnowsInSql) {
  const Given given =
      Given().cancel_pending().stack({"secure_write"}).capture([](Capture& c) { c.ns_pid = 17; });
  EXPECT_EQ(
      diagnose(given.evidence()).release.back().step,
      "SELECT pg_terminate_backend(17); -- pid 4711 on the host"
  );
}

TEST(VerdictWords, AreTheSameForTheSameEvidence) {
  const Evidence evidence = tests::seed_worker().evidence();
  EXPECT_EQ(diagnose(evidence), diagnose(evidence));
}

/// No evidence leaves a placeholder or an empty value in its words.
TEST(VerdictWords, LeaveNoGapWhateverIsKnown) {
  for (const Given& base :
       {Given(),
        tests::copy_from_fifo(),
        tests::python_loop(),
        tests::seed_worker(),
        tests::seed_leader(),
        tests::frozen_file_system()})
    for (const char* states : {"", "S", "RRR", "DDD", "TTT", "ttt", "ZZZ", "???", "SRS"})
      for (int bits = 0; bits < 64; ++bits) {
        Given given = base;
        given.states(states);
        if ((bits & 1) != 0) given.die_pending();
        if ((bits & 2) != 0) given.terminate_ago(60);
        if ((bits & 4) != 0) given.cancel_ago(60);
        if ((bits & 8) != 0) given.holdoff(1);
        if ((bits & 16) != 0) given.pending(SIGTERM);
        if ((bits & 32) != 0) given.samples([](Sample& s) { s.flags = {}; });
        const Verdict verdict = diagnose(given.evidence());
        EXPECT_EQ(verdict.summary.find('{'), std::string::npos) << verdict.summary;
        EXPECT_EQ(verdict.summary.find("  "), std::string::npos) << verdict.summary;
        for (const ReleaseStep& step : verdict.release)
          EXPECT_EQ(step.step.find('{'), std::string::npos) << step.step;
      }
}

}  // namespace
}  // namespace pghang
