#include <functional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "diagnosis/explanations.h"
#include "diagnosis/verdict.h"
#include "tests/diagnosis/cluster_builder.h"
#include "tests/diagnosis/hangs.h"

/// For every explanation the evidence that it is chosen by. Programs read its name.
namespace pghang {
namespace {

using tests::call_on;
using tests::descriptor;
using tests::Given;
using tests::Other;
using tests::plain_call;

struct Told {
  Story story;
  Given given;
};

Given held() {
  return Given().die_pending().holdoff(1);
}

Given in_d_state(const std::string& fs) {
  return tests::frozen_file_system().capture([fs](Capture& c) {
    c.wchan = "folio_wait_bit";
    c.kernel_stack.clear();
    c.syscall->fd->fs_type = fs;
  });
}

Given in_kernel_wait() {
  return Given().state(ProcessState::uninterruptible);
}

Given on_pipe(const std::string& comm) {
  FdTarget fd = descriptor(9, FdKind::pipe, "pipe:[123]");
  fd.peers = {{4801, comm, ProcessState::sleeping, ""}};
  return Given().die_pending().in_call(call_on("read", fd));
}

Given with_child(Given given) {
  return given.capture([](Capture& c) { c.children = {{4800, "sh", ProcessState::sleeping, ""}}; });
}

Given on_socket() {
  return Given().die_pending().in_call(call_on("poll", descriptor(8, FdKind::socket, "socket:[5]"))
  );
}

Given on_locked_file() {
  FdTarget fd = descriptor(8, FdKind::file, "/srv/lock");
  fd.lock = "POSIX WRITE 0-EOF";
  return Given().die_pending().in_call(call_on("fcntl", fd));
}

Given walsender_at_shutdown() {
  return Given().capture([](Capture& c) {
    c.title = "postgres: walsender repl 10.0.0.2(5000) streaming 0/5000000";
    c.cluster = {Other(4002, "logger ")};
  });
}

Given flushing() {
  return held()
      .stack({"LWLockAcquireOrWait", "XLogFlush", "PostgresMain"})
      .capture(tests::cluster(
          Other(5000)
              .holdoff(1)
              .state(ProcessState::uninterruptible)
              .in_call(call_on("fdatasync", descriptor(7, FdKind::file, "/data/pg_wal/01")))
      ));
}

Given logger() {
  return Given().ignored(SIGTERM).capture([](Capture& c) { c.title = "postgres: logger "; });
}

Given startup() {
  return Given().terminate_ago(60).capture([](Capture& c) { c.title = "postgres: startup "; });
}

const std::vector<Told>& told() {
  static const std::vector<Told> kTold = {
      {Story::gone, Given().capture([](Capture& c) { c.gone = true; })},
      {Story::zombie, Given().state(ProcessState::zombie)},
      {Story::frozen, Given().samples([](Sample& s) { s.frozen = true; })},
      {Story::traced, Given().state(ProcessState::traced)},
      {Story::stopped, Given().state(ProcessState::stopped)},
      {Story::progress_exiting, Given().exiting().io_grows()},
      {Story::progress_io, in_kernel_wait().io_grows()},
      {Story::exiting, Given().exiting()},
      {Story::io_frozen_file_system, tests::frozen_file_system()},
      {Story::io_network_file_system, in_d_state("nfs4")},
      {Story::io_file, in_d_state("ext4")},
      {Story::io, in_kernel_wait()},
      {Story::ignored_by_design, logger()},
      {Story::ignored, Given().ignored(SIGTERM)},
      {Story::blocked_shared_memory,
       Given().pending(SIGTERM).blocked(SIGTERM).stack({"posix_fallocate", "dsm_create"})},
      {Story::blocked, Given().pending(SIGTERM).blocked(SIGTERM)},
      {Story::reporting_log,
       Given().terminate_ago(60).stack({"write_pipe_chunks", "errfinish", "ProcessInterrupts"})},
      {Story::reporting_client,
       Given().terminate_ago(60).stack({"secure_write", "errfinish", "ProcessInterrupts"})},
      {Story::reporting, Given().terminate_ago(60).stack({"errfinish", "ProcessInterrupts"})},
      {Story::handler_replaced, Given().terminate_ago(60)},
      {Story::cancel_vanished, Given().cancel_ago(60)},
      {Story::critical_section, Given().die_pending().critical()},
      {Story::lwlock, tests::waits_for_lwlock()},
      {Story::wal_convoy, flushing()},
      {Story::held_workers, tests::seed_leader()},
      {Story::held_rollback, Given().cancel_ago(60).holdoff(1).stack({"AbortCurrentTransaction"})},
      {Story::held_protocol,
       Given().cancel_pending().samples([](Sample& s) { s.flags.query_cancel_holdoff_count = 1; })},
      {Story::held_worker, tests::seed_worker()},
      {Story::held, held()},
      {Story::spinning_library, Given().states("RRR").die_pending().stack({"libgeos.so:f"})},
      {Story::procedural_loop, tests::python_loop()},
      {Story::spinning, Given().states("RRR").die_pending()},
      {Story::fifo_read, tests::copy_from_fifo()},
      {Story::fifo_write,
       tests::copy_from_fifo().in_call(tests::open_fifo("/tmp/x", "O_WRONLY|O_CREAT, 0666"))},
      {Story::open_call, tests::copy_from_fifo().capture([](Capture& c) { c.wchan = ""; })},
      {Story::log_pipe, Given().die_pending().stack({"write_pipe_chunks", "PostgresMain"})},
      {Story::copy_program, with_child(on_pipe("sh")).stack({"CopyFrom", "DoCopy"})},
      {Story::procedural_call,
       Given()
           .die_pending()
           .in_call(plain_call("clock_nanosleep", "..."))
           .stack({"libpython3.11.so:f", "plpython3.so:g", "PostgresMain"})},
      {Story::remote_connecting,
       on_socket().stack({"libc.so.6:poll", "libpq.so.5:PQconnectdbParams", "dblink.so:f"})},
      {Story::remote_query,
       on_socket().stack({"libc.so.6:poll", "libpq.so.5:PQexec", "dblink.so:dblink_exec"})},
      {Story::child, with_child(Given().die_pending().in_call(plain_call("wait4", "-1")))},
      {Story::pipe, on_pipe("sleep")},
      {Story::socket, on_socket()},
      {Story::file_lock, on_locked_file()},
      {Story::nap, Given().die_pending().in_call(plain_call("clock_nanosleep", "..."))},
      {Story::blocking_call, Given().die_pending()},
      {Story::client_ignores_cancel, Given().cancel_pending().stack({"secure_write"})},
      {Story::client, Given().die_pending().stack({"secure_write"})},
      {Story::sync_rep, Given().holdoff(1).stack({"WaitLatch", "SyncRepWaitForLSN"})},
      {Story::recovery_conflict,
       startup().stack({"ProcWaitForSignal", "ResolveRecoveryConflictWithBufferPin"})},
      {Story::walsender_shutdown, walsender_at_shutdown()},
      {Story::authentication,
       Given().die_pending().samples([](Sample& s) { s.flags.client_auth_in_progress = 1; })},
      {Story::orphan, tests::copy_from_fifo().capture([](Capture& c) {
         c.orphan = true;
         c.samples.back().flags.postmaster_pid = 3999;
       })},
      {Story::idle_cancel, Given().cancel_ago(60).activity([](Activity& a) { a.state = "idle"; })},
      {Story::just_taken, Given().latest([](Sample& s) { s.flags.proc_die_pending = 1; })},
      {Story::within_grace, Given().terminate_ago(5)},
      {Story::not_asked, Given()},
      {Story::not_stuck, Given().cancel_ago(60).stack({"AbortCurrentTransaction"})},
      {Story::not_sampled, Given().states("")},
      {Story::state_missing, Given().state(ProcessState::unknown)},
      {Story::undelivered, Given().pending(SIGTERM)},
      {Story::not_postgres,
       Given().capture([](Capture& c) { c.postgres = false; }
       ).samples([](Sample& s) { s.flags = {}; })},
      {Story::flags_missing, Given().flags_missing("EPERM", "CAP_SYS_PTRACE")},
      {Story::auxiliary_silent, startup()},
  };
  return kTold;
}

TEST(StoryOf, EachEvidenceIsTheOneNamed) {
  for (const Told& entry : told())
    EXPECT_EQ(diagnose(entry.given.evidence()).explanation, to_string(entry.story));
}

TEST(StoryOf, EveryExplanationHasItsEvidence) {
  std::set<Story> seen;
  for (const Told& entry : told())
    seen.insert(entry.story);
  for (const Explanation& entry : explanations())
    EXPECT_TRUE(seen.contains(entry.story)) << to_string(entry.story);
}

TEST(StoryNames, AreDistinctAndSpeltForPrograms) {
  std::set<std::string> names;
  for (const Explanation& entry : explanations()) {
    const std::string name = to_string(entry.story);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << name;
    EXPECT_FALSE(name.empty());
  }
}

TEST(StoryOf, NoStepIsToldThatNamesNothing) {
  for (const Told& entry : told())
    for (const ReleaseStep& step : diagnose(entry.given.evidence()).release) {
      EXPECT_EQ(step.step.find('{'), std::string::npos) << step.step;
      EXPECT_EQ(step.price.find('{'), std::string::npos) << step.price;
      EXPECT_EQ(step.step.find("  "), std::string::npos) << step.step;
      EXPECT_FALSE(step.step.ends_with(' ')) << step.step;
    }
}

TEST(StoryOf, NoSummaryHasAGap) {
  for (const Told& entry : told()) {
    const std::string summary = diagnose(entry.given.evidence()).summary;
    EXPECT_EQ(summary.find('{'), std::string::npos) << summary;
    EXPECT_EQ(summary.find("  "), std::string::npos) << summary;
    EXPECT_EQ(summary.find(" ,"), std::string::npos) << summary;
    EXPECT_TRUE(summary.ends_with('.')) << summary;
  }
}

}  // namespace
}  // namespace pghang
