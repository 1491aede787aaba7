#include <utility>

#include <gtest/gtest.h>

#include "diagnosis/verdict.h"
#include "tests/diagnosis/hangs.h"

/// The words of the cases that one kind of code or of server state makes: procedural languages,
/// remote servers, programs of COPY, standbys, a postmaster that is gone.
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

TEST(SpecificWords, OfAProceduralLanguageNameIt) {
  const auto in = [](const char* handler) {
    return summary(Given()
                       .die_pending()
                       .in_call(plain_call("clock_nanosleep", "..."))
                       .stack({"libc.so.6:clock_nanosleep", handler, "ExecInterpExpr"}));
  };
  EXPECT_TRUE(contains(
      in("plpython3.so:PLy_exec_function"),
      "it waits in clock_nanosleep(), called from plpython3.so, PL/Python code that does not come "
      "back to PostgreSQL"
  )) << in("plpython3.so:PLy_exec_function");
  EXPECT_TRUE(contains(in("plperl.so:plperl_call_handler"), "PL/Perl code"));
  EXPECT_TRUE(contains(in("pltcl.so:pltcl_call_handler"), "PL/Tcl code"));
  EXPECT_TRUE(contains(in("plv8-3.2.so:plv8_call_handler"), "PLV8 code"));
}

TEST(SpecificWords, OfAProceduralLanguageEndWhatItsCodeStarted) {
  const Given given = Given()
                          .die_pending()
                          .in_call(plain_call("wait4", "4800"))
                          .stack({"libc.so.6:wait4", "plpython3.so:f", "ExecInterpExpr"})
                          .capture([](Capture& c) {
                            c.children = {{4800, "curl", ProcessState::sleeping, ""}};
                          });
  EXPECT_EQ(first_step(given), "End what it waits for: kill -TERM 4800, then kill -KILL 4800");
}

Given asks_remote(const char* function, RelatedProcess peer) {
  FdTarget fd = descriptor(8, FdKind::socket, "socket:[5]");
  fd.peers = {std::move(peer)};
  return Given()
      .die_pending()
      .in_call(call_on("poll", fd))
      .stack({"libc.so.6:poll", function, "dblink.so:dblink_record_internal", "ExecInterpExpr"});
}

TEST(SpecificWords, OfARemoteQueryNameTheServer) {
  const Verdict verdict = diagnose(
      asks_remote("libpq.so.5:PQexec", {0, "", ProcessState::unknown, "10.0.0.9:5432"}).evidence()
  );
  EXPECT_TRUE(contains(
      verdict.summary,
      "dblink.so waits for 10.0.0.9:5432 to answer in a call of libpq that never looks at "
      "interrupts"
  )) << verdict.summary;
  EXPECT_FALSE(contains(verdict.release.front().step, "this host"));
}

TEST(SpecificWords, OfARemoteServerOnThisHostNameItsProcess) {
  const Given given =
      asks_remote("libpq.so.5:PQconnectdb", {77, "nc", ProcessState::sleeping, "127.0.0.1:5433"});
  EXPECT_TRUE(contains(summary(given), "dblink.so connects to nc (pid 77) at 127.0.0.1:5433 in"))
      << summary(given);
  EXPECT_EQ(first_step(given), "The other end runs on this host: pghangd diagnose 77");
}

TEST(SpecificWords, OfARemoteServerWithoutAnAddressSayServer) {
  EXPECT_TRUE(contains(
      summary(Given().die_pending().stack({"libc.so.6:poll", "libpq.so.5:PQexec", "dblink.so:f"})),
      "dblink.so waits for the remote server to answer"
  ));
}

Given copy_from_program(std::uint64_t ignored) {
  FdTarget fd = descriptor(9, FdKind::pipe, "pipe:[123]");
  fd.peers = {
      {4800, "sh", ProcessState::sleeping, ""},
      {4801, "sleep", ProcessState::sleeping, ""}};
  return Given()
      .die_pending()
      .in_call(call_on("read", fd))
      .stack({"libc.so.6:read", "NextCopyFromRawFields", "CopyFrom", "DoCopy"})
      .capture([ignored](Capture& c) {
        c.children = {{4800, "sh", ProcessState::sleeping, "", ignored}};
      });
}

TEST(SpecificWords, OfCopyProgramEndAllThatHoldItsPipe) {
  EXPECT_TRUE(contains(
      summary(copy_from_program(0)),
      "for the program of COPY to end, sh (pid 4800), sleep (pid 4801), and has not "
      "served the terminate; it waits in read(9)"
  )) << summary(copy_from_program(0));
  EXPECT_EQ(
      first_step(copy_from_program(0)),
      "End sh (pid 4800), sleep (pid 4801), of COPY PROGRAM: kill -TERM 4800 4801, then kill -KILL "
      "4800 4801"
  );
}

TEST(SpecificWords, OfACopyProgramThatIgnoresSigtermSaySoAndUseSigkill) {
  const Given given = copy_from_program(tests::bit(SIGTERM));
  EXPECT_TRUE(contains(summary(given), "Pid 4800 ignores SIGTERM.")) << summary(given);
  EXPECT_TRUE(first_step(given).ends_with("COPY PROGRAM: kill -KILL 4800 4801"));
}

TEST(SpecificWords, OfAStoppedBackendSayWhatItWillServe) {
  EXPECT_EQ(
      diagnose(Given().state(ProcessState::stopped).pending(SIGTERM).evidence()).release[0].price,
      "it runs on and serves the pending SIGTERM"
  );
}

TEST(SpecificWords, OfAnOrphanSayThatSigkillRestartsNothing) {
  const Verdict verdict = diagnose(tests::copy_from_fifo()
                                       .capture([](Capture& c) {
                                         c.orphan = true;
                                         c.ppid = 1;
                                       })
                                       .samples([](Sample& s) { s.flags.postmaster_pid = 4000; })
                                       .evidence());
  EXPECT_EQ(verdict.cause, Cause::blocking_call);
  EXPECT_TRUE(contains(verdict.summary, "(PostmasterPid=4000, its parent is 1)"))
      << verdict.summary;
  EXPECT_TRUE(contains(verdict.detail, "PostmasterPid=4000, parent 1")) << verdict.detail;
  EXPECT_TRUE(contains(verdict.release.back().step, "kill -KILL 4711"));
}

TEST(SpecificWords, OfACommitThatWaitsForItsStandbyNameThePriceOfACancel) {
  const Verdict verdict = diagnose(Given()
                                       .holdoff(1)
                                       .activity([](Activity& a) {
                                         a.wait_event_type = "IPC";
                                         a.wait_event = "SyncRep";
                                       })
                                       .evidence());
  EXPECT_EQ(verdict.explanation, "sync_rep");
  EXPECT_EQ(verdict.release.back().step, "SELECT pg_cancel_backend(4711);");
  EXPECT_TRUE(contains(verdict.release.back().price, "may not have been replicated"));
}

TEST(SpecificWords, OfTheLwLockSyncRepSpeakOfNoStandby) {
  const Given given = Given().die_pending().holdoff(1).activity([](Activity& a) {
    a.wait_event_type = "LWLock";
    a.wait_event = "SyncRep";
  });
  EXPECT_EQ(diagnose(given.evidence()).explanation, "lwlock");
}

TEST(SpecificWords, OfAFrozenFileSystemNameItsDevice) {
  EXPECT_TRUE(
      contains(summary(tests::frozen_file_system()), "/mnt/ts (ext4 on /dev/loop0, backed by ")
  );
}

}  // namespace
}  // namespace pghang
