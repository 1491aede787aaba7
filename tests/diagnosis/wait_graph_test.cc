#include "diagnosis/wait_graph.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "diagnosis/report.h"
#include "tests/diagnosis/waits_builder.h"

/// Who waits for whom, as a specification: what is put in, and what the sentence says.
namespace pghang {
namespace {

using std::chrono::minutes;
using tests::Waits;

const WaitNode& node(const WaitGraph& graph, const std::string& id) {
  static const WaitNode kNone;
  const auto found = std::ranges::find(graph.nodes, id, &WaitNode::id);
  EXPECT_NE(found, graph.nodes.end()) << id;
  return found == graph.nodes.end() ? kNone : *found;
}

const WaitEdge* edge(const WaitGraph& graph, const std::string& from, const std::string& to) {
  const auto found = std::ranges::find_if(graph.edges, [&](const WaitEdge& candidate) {
    return candidate.from == from && candidate.to == to;
  });
  return found == graph.edges.end() ? nullptr : &*found;
}

TEST(WaitGraph, WithoutAnybodyWaitingThereIsNone) {
  const WaitGraph graph = Waits().active(11).graph();
  EXPECT_TRUE(graph.nodes.empty());
  EXPECT_EQ(graph.root, "");
  EXPECT_EQ(waits_of(graph, 11), std::nullopt);
}

TEST(WaitGraph, IdleTransactionIsTheRootOfThoseWhoWaitForItsLock) {
  const WaitGraph graph = Waits()
                              .idle_in_transaction(12, minutes(5))
                              .active(21)
                              .active(22)
                              .lock(21, {12})
                              .lock(22, {12})
                              .graph();
  EXPECT_EQ(graph.root, "pid:12");
  EXPECT_EQ(
      graph.summary,
      "2 backends wait behind pid 12, which is idle in transaction since 5 min."
  );
  ASSERT_EQ(graph.release.size(), 1U);
  EXPECT_EQ(graph.release[0].step, "SELECT pg_terminate_backend(12);");
  ASSERT_NE(edge(graph, "pid:21", "pid:12"), nullptr);
  EXPECT_EQ(edge(graph, "pid:21", "pid:12")->detail, "AccessShareLock on relation public.orders");
  EXPECT_FALSE(edge(graph, "pid:21", "pid:12")->inferred);
}

TEST(WaitGraph, ChainEndsWhereNobodyWaitsAnyMore) {
  const WaitGraph graph =
      Waits().active(11).lock(13, {12}, "b").lock(12, {11}, "a").lock(14, {13}, "c").graph();
  EXPECT_EQ(graph.root, "pid:11");
  EXPECT_EQ(node(graph, "pid:11").waiters, 3U);
  EXPECT_EQ(node(graph, "pid:12").waiters, 2U);
  EXPECT_EQ(node(graph, "pid:14").waiters, 0U);
  EXPECT_EQ(graph.release.at(0).step, "SELECT pg_cancel_backend(11);");
}

TEST(WaitGraph, OneWaiterIsSaidInTheSingular) {
  EXPECT_EQ(Waits().lock(21, {12}).graph().summary, "1 backend waits behind pid 12.");
}

TEST(WaitGraph, BackendThatHasTwoWaysToTheRootCountsOnce) {
  const WaitGraph graph =
      Waits().lock(13, {11, 12}, "b").lock(12, {11}, "a").lock(14, {13}, "c").graph();
  EXPECT_EQ(node(graph, "pid:11").waiters, 3U);
}

TEST(WaitGraph, QueueMatesAreBehindTheFirstOfThemAndHisHolder) {
  const WaitGraph graph = Waits().lock(21, {12}).lock(22, {12, 21}).lock(23, {12, 21, 22}).graph();
  EXPECT_NE(edge(graph, "pid:23", "pid:12"), nullptr);
  EXPECT_NE(edge(graph, "pid:23", "pid:21"), nullptr);
  EXPECT_EQ(edge(graph, "pid:23", "pid:22"), nullptr) << "22 is behind 21 as well";
  EXPECT_EQ(node(graph, "pid:12").waiters, 3U);
}

TEST(WaitGraph, WaiterThatNobodyAskedAboutIsBehindTheHolderOfTheSameLock) {
  const WaitGraph graph = Waits().lock(21, {12}).unasked(22).unasked(23, "another").graph();
  ASSERT_NE(edge(graph, "pid:22", "pid:12"), nullptr);
  EXPECT_TRUE(edge(graph, "pid:22", "pid:12")->inferred);
  EXPECT_EQ(graph.root, "pid:12");
  EXPECT_EQ(node(graph, "pid:12").waiters, 2U) << "23 waits for a lock nobody was asked about";
  EXPECT_EQ(node(graph, "lock:another").kind, WaitNodeKind::unknown);
}

TEST(WaitGraph, WaitThatWasOverWhenTheServerWasAskedIsNone) {
  EXPECT_TRUE(Waits().lock(21, {}).graph().edges.empty());
}

TEST(WaitGraph, PreparedTransactionIsARootWithoutAProcess) {
  const WaitGraph graph = Waits()
                              .lock(21, {0})
                              .lock(22, {0, 21})
                              .lock(23, {0, 21})
                              .prepared("it's x", minutes(70))
                              .graph();
  EXPECT_EQ(graph.root, "prepared:it's x");
  EXPECT_EQ(
      graph.summary,
      "3 backends wait behind prepared transaction 'it''s x' (no process): ROLLBACK PREPARED "
      "'it''s x'."
  );
  EXPECT_EQ(node(graph, graph.root).state, "has no process; prepared 70 min ago by app in shop");
  EXPECT_EQ(
      graph.release.at(0).step,
      "In database shop, as app or a superuser: ROLLBACK PREPARED 'it''s x';"
  );
}

TEST(WaitGraph, PreparedTransactionThatCouldNotBeListedIsSaidSo) {
  const WaitGraph graph = Waits().lock(21, {0}).graph();
  EXPECT_EQ(
      graph.summary,
      "1 backend waits behind a prepared transaction, which has no process: see pg_prepared_xacts."
  );
}

TEST(WaitGraph, TwoThatWaitForEachOtherAreADeadlockAndNoRoot) {
  const WaitGraph graph =
      Waits().lock(21, {22}, "a").lock(22, {21}, "b").lock(23, {21}, "c").graph();
  EXPECT_EQ(graph.root, "");
  EXPECT_EQ(graph.cycle, (std::vector<std::string>{"pid:21", "pid:22"}));
  EXPECT_NE(graph.summary.find("a deadlock"), std::string::npos);
  EXPECT_NE(graph.summary.find("pid 21 → pid 22 → pid 21"), std::string::npos);
}

TEST(WaitGraph, CircleWithAWayOutIsNotWhereItEnds) {
  const WaitGraph graph = Waits().lock(21, {22}, "a").lock(22, {21, 12}, "b").graph();
  EXPECT_EQ(graph.root, "pid:12");
  EXPECT_TRUE(graph.cycle.empty());
}

TEST(WaitGraph, LockHolderInDStateOnAFrozenFileSystem) {
  Waits waits;
  waits.captured(4711, [](Capture& capture) { tests::hang_on_mount(capture, "/srv/ts"); });
  for (pid_t pid = 5001; pid <= 5041; ++pid)
    waits.lock(pid, {4711});
  const WaitGraph graph = waits.graph();
  EXPECT_EQ(graph.root, "mount:/srv/ts");
  EXPECT_EQ(graph.summary, "41 backends wait behind pid 4711, which is in D state on /srv/ts.");
  EXPECT_EQ(edge(graph, "pid:4711", "mount:/srv/ts")->kind, WaitEdgeKind::io);
  EXPECT_EQ(edge(graph, "pid:4711", "mount:/srv/ts")->detail, "pwrite64(\"/srv/ts/5/16390\")");
}

TEST(WaitGraph, SeveralInDStateOnOneFileSystemMeanTheFileSystem) {
  const auto hang = [](Capture& capture) {
    tests::hang_on_mount(capture, "/srv/ts");
  };
  const WaitGraph graph = Waits().captured(31, hang).captured(32, hang).graph();
  EXPECT_EQ(graph.summary, "2 backends wait for file system /srv/ts.");
}

TEST(WaitGraph, LockThenLwlockThenDStateIsOneChainAcrossTheLayers) {
  const WaitGraph graph = Waits()
                              .lock(21, {4711})
                              .captured(
                                  4711,
                                  [](Capture& capture) {
                                    tests::wait_on_lwlock(capture);
                                    ClusterProcess holder;
                                    holder.key = {900, 1};
                                    holder.title = "postgres: walwriter ";
                                    holder.sample.state = ProcessState::uninterruptible;
                                    holder.sample.flags.interrupt_holdoff_count = 1;
                                    holder.syscall = tests::write_on("/srv/wal");
                                    capture.cluster = {holder};
                                  }
                              )
                              .graph();
  EXPECT_EQ(graph.root, "mount:/srv/wal");
  EXPECT_EQ(graph.summary, "2 backends wait behind pid 900, which is in D state on /srv/wal.");
  EXPECT_EQ(edge(graph, "pid:21", "pid:4711")->kind, WaitEdgeKind::lock);
  EXPECT_EQ(edge(graph, "pid:4711", "pid:900")->kind, WaitEdgeKind::lwlock_suspect);
  EXPECT_EQ(edge(graph, "pid:900", "mount:/srv/wal")->kind, WaitEdgeKind::io);
}

TEST(WaitGraph, OthersThatWaitForTheSameLwlockAreBehindTheSameSuspect) {
  Waits waits;
  waits.captured(4711, [](Capture& capture) {
    tests::wait_on_lwlock(capture);
    ClusterProcess holder;
    holder.key = {900, 1};
    holder.sample.state = ProcessState::stopped;
    capture.cluster = {holder};
  });
  waits.waiting(4711, "LWLock", "WALWrite");
  waits.waiting(21, "LWLock", "WALWrite").waiting(22, "LWLock", "ProcArray");
  const WaitGraph graph = waits.graph();
  EXPECT_EQ(graph.summary, "2 backends wait behind pid 900, which is stopped.");
  EXPECT_TRUE(edge(graph, "pid:21", "pid:900")->inferred);
  EXPECT_EQ(edge(graph, "pid:22", "pid:900"), nullptr) << "another lock";
}

TEST(WaitGraph, LeaderWaitsForItsWorkers) {
  const WaitGraph graph = Waits()
                              .waiting(41, "IPC", "BgWorkerShutdown")
                              .worker(42, 41, "IPC", "BtreePage")
                              .lock(21, {41})
                              .graph();
  EXPECT_EQ(graph.root, "pid:42");
  EXPECT_EQ(edge(graph, "pid:41", "pid:42")->kind, WaitEdgeKind::parallel);
  EXPECT_EQ(node(graph, "pid:42").waiters, 2U);
}

TEST(WaitGraph, LeaderOnCpuWaitsForNobody) {
  EXPECT_TRUE(Waits().active(41).worker(42, 41, "IO", "DataFileRead").graph().edges.empty());
}

TEST(WaitGraph, WorkerThatCannotSendWaitsForItsLeader) {
  const WaitGraph graph = Waits()
                              .waiting(41, "Client", "ClientWrite")
                              .worker(42, 41, "IPC", "MessageQueueSend")
                              .graph();
  EXPECT_EQ(graph.root, "pid:41");
}

TEST(WaitGraph, OfTwoWorkersTheStoppedOneIsTheRoot) {
  const WaitGraph graph =
      Waits()
          .captured(
              41,
              [](Capture& capture) {
                capture.samples.back().flags.wait_event_info = 0x0800'0003;
                for (const pid_t pid : {42, 43}) {
                  ClusterProcess worker;
                  worker.key = {pid, 1};
                  worker.title = "postgres: parallel worker for PID 41 ";
                  worker.sample.state = pid == 43 ? ProcessState::stopped : ProcessState::sleeping;
                  capture.cluster.push_back(worker);
                }
              }
          )
          .graph();
  EXPECT_EQ(graph.root, "pid:43");
  EXPECT_EQ(graph.summary, "1 backend waits behind pid 43, which is stopped.");
}

TEST(WaitGraph, ProgramOfACopyIsAChild) {
  const WaitGraph graph = Waits()
                              .captured(
                                  51,
                                  [](Capture& capture) {
                                    const RelatedProcess child = tests::process(815, "sleep");
                                    capture.children = {child};
                                    tests::wait_on(capture, FdKind::pipe, {child});
                                  }
                              )
                              .graph();
  EXPECT_EQ(edge(graph, "pid:51", "pid:815")->kind, WaitEdgeKind::child);
  EXPECT_EQ(graph.summary, "1 backend waits behind pid 815 (sleep).");
  EXPECT_EQ(node(graph, "pid:815").kind, WaitNodeKind::process);
}

TEST(WaitGraph, ChildThatIgnoresSigtermIsSaidSo) {
  const WaitGraph graph =
      Waits()
          .captured(
              51,
              [](Capture& capture) {
                RelatedProcess child = tests::process(815, "sleep");
                child.ignored_signals = tests::bit(SIGTERM);
                capture.children = {child};
                tests::wait_on(capture, FdKind::pipe, {tests::process(815, "sleep")});
              }
          )
          .graph();
  EXPECT_EQ(graph.summary, "1 backend waits behind pid 815 (sleep), which ignores SIGTERM.");
}

TEST(WaitGraph, LogPipeEndsAtTheLoggerAndNotAtThePostmaster) {
  const WaitGraph graph = Waits()
                              .captured(
                                  51,
                                  [](Capture& capture) {
                                    tests::wait_on(
                                        capture,
                                        FdKind::pipe,
                                        {tests::process(capture.ppid, "postgres"),
                                         tests::process(700, "postgres", ProcessState::stopped)}
                                    );
                                  }
                              )
                              .graph();
  EXPECT_EQ(graph.root, "pid:700");
  EXPECT_EQ(graph.edges.size(), 1U);
  EXPECT_EQ(edge(graph, "pid:51", "pid:700")->kind, WaitEdgeKind::pipe);
}

TEST(WaitGraph, PostmasterIsAnEndWhereItIsTheOnlyOne) {
  const WaitGraph graph =
      Waits()
          .captured(
              51,
              [](Capture& capture) {
                tests::wait_on(capture, FdKind::pipe, {tests::process(capture.ppid, "postgres")});
              }
          )
          .graph();
  EXPECT_EQ(graph.root, "pid:4000");
}

TEST(WaitGraph, FarEndOfAConnectionIsAnAddressAndANearOneAProcess) {
  const WaitGraph graph =
      Waits()
          .captured(
              51,
              [](Capture& capture) {
                tests::wait_on(capture, FdKind::socket, {tests::far_end("10.0.0.5:5432")});
              }
          )
          .captured(
              52,
              [](Capture& capture) {
                tests::wait_on(capture, FdKind::socket, {tests::process(61, "nc")});
              }
          )
          .lock(21, {51})
          .graph();
  EXPECT_EQ(edge(graph, "pid:51", "address:10.0.0.5:5432")->kind, WaitEdgeKind::remote);
  EXPECT_EQ(edge(graph, "pid:52", "pid:61")->kind, WaitEdgeKind::socket);
  EXPECT_EQ(graph.root, "address:10.0.0.5:5432") << "two wait there, one at nc";
}

TEST(WaitGraph, WhoWaitsForAFileLockWaitsForItsHolder) {
  const WaitGraph graph =
      Waits()
          .captured(
              51,
              [](Capture& capture) {
                tests::wait_on(capture, FdKind::file, {tests::process(61, "backup")});
                capture.syscall->fd->lock = "FLOCK WRITE";
              }
          )
          .lock(21, {51})
          .graph();
  EXPECT_EQ(edge(graph, "pid:51", "pid:61")->kind, WaitEdgeKind::file_lock);
  EXPECT_EQ(graph.root, "pid:61");
}

TEST(WaitGraph, WhoIsOnCpuWaitsForNothingHoweverManyDescriptorsItHas) {
  const WaitGraph graph =
      Waits()
          .captured(
              51,
              [](Capture& capture) {
                tests::wait_on(capture, FdKind::pipe, {tests::process(815, "sleep")});
                for (Sample& sample : capture.samples)
                  sample.state = ProcessState::running;
              }
          )
          .graph();
  EXPECT_TRUE(graph.edges.empty());
}

TEST(WaitsOf, HasAllThatWaitForTheSameRootAndNobodyElse) {
  const WaitGraph graph =
      Waits().lock(21, {12}, "a").lock(22, {12}, "a").lock(31, {13}, "b").graph();
  const auto part = waits_of(graph, 21);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->nodes.size(), 3U);
  EXPECT_EQ(part->root, "pid:12");
  EXPECT_EQ(waits_of(graph, 31)->root, "pid:13");
  EXPECT_EQ(waits_of(graph, 99), std::nullopt);
}

TEST(WaitsOf, RootIsOneOfThoseThatThisOneLeadsTo) {
  // 22 waits for 12 and for 13; 21 only for 12, and far more wait for 13.
  Waits waits;
  waits.lock(21, {12}, "a").lock(22, {12, 13}, "a");
  for (pid_t pid = 31; pid < 40; ++pid)
    waits.lock(pid, {13}, "b");
  EXPECT_EQ(waits_of(waits.graph(), 21)->root, "pid:12");
  EXPECT_EQ(waits_of(waits.graph(), 22)->root, "pid:13");
}

TEST(WaitsOf, IncidentsOfOneQueueShareOneObject) {
  const WaitGraph graph =
      Waits().lock(21, {12}, "a").lock(22, {12}, "a").lock(31, {13}, "b").graph();
  const auto each = waits_of_each(graph, {21, 22, 31, 99});
  EXPECT_EQ(each.at(21), each.at(22));
  EXPECT_NE(each.at(21), each.at(31));
  EXPECT_FALSE(each.contains(99));
  EXPECT_EQ(*each.at(31), *waits_of(graph, 31));
}

TEST(WaitGraph, SameInputsInAnyOrderGiveTheSameGraph) {
  const WaitGraph one =
      Waits().active(11).lock(13, {12}, "b").lock(12, {11}, "a").lock(14, {13}, "c").graph();
  const WaitGraph other =
      Waits().lock(14, {13}, "c").lock(12, {11}, "a").lock(13, {12}, "b").active(11).graph();
  EXPECT_EQ(one, other);
}

TEST(WaitGraph, IsBoundedAndSaysThatItIs) {
  Waits waits;
  waits.lock(21, {12});
  for (pid_t pid = 1000; pid < 1899; ++pid)
    waits.unasked(pid);
  const WaitGraph graph = waits.graph();
  EXPECT_EQ(graph.nodes.size(), kMaxWaitNodes);
  EXPECT_EQ(graph.dropped, 900 + 1 - kMaxWaitNodes);
  EXPECT_EQ(graph.summary, "At least 499 backends wait behind pid 12.");
}

TEST(WaitGraph, WaitersBeyondTheServersListAreCountedAsDropped) {
  EXPECT_EQ(Waits().lock(21, {12}).waiters_in_all(900).graph().dropped, 899U);
}

TEST(WaitGraph, EdgesAreBoundedToo) {
  Waits waits;
  for (pid_t holder = 1; holder <= 100; ++holder)
    waits.active(holder);
  std::vector<pid_t> holders(100);
  for (std::size_t i = 0; i < holders.size(); ++i)
    holders[i] = static_cast<pid_t>(i + 1);
  for (pid_t pid = 1001; pid <= 1050; ++pid)
    waits.lock(pid, holders);
  const WaitGraph graph = waits.graph();
  EXPECT_EQ(graph.edges.size(), kMaxWaitEdges);
  EXPECT_GT(graph.dropped, 0U);
}

TEST(BlockedBackends, AreThoseBehindAnUnresponsiveOneAndNotItself) {
  Waits waits;
  waits.lock(21, {12}, "a").lock(22, {21}, "b").lock(31, {13}, "c");
  EXPECT_EQ(blocked_backends(waits.graph()), 0U);
  EXPECT_EQ(blocked_backends(waits.unresponsive(12).graph()), 2U);
  EXPECT_EQ(blocked_backends(waits.unresponsive(21).graph()), 1U) << "21 is unresponsive itself";
}

TEST(WaitGraph, StepsOfAnUnresponsiveRootAreThoseOfItsOwnVerdict) {
  Waits waits;
  waits.captured(4711, [](Capture& capture) { tests::hang_on_mount(capture, "/srv/ts"); });
  waits.lock(21, {4711});
  const WaitGraph graph = waits.graph();
  EXPECT_EQ(graph.release, waits.verdict_of(4711).release);
  EXPECT_FALSE(graph.release.empty());
}

TEST(WaitTree, ShowsTheRootWithItsWaitersBelow) {
  Waits waits;
  waits.idle_in_transaction(12, minutes(5));
  for (pid_t pid = 21; pid < 35; ++pid)
    waits.active(pid).lock(pid, {12});
  Incident incident;
  incident.backend.pid = 21;
  incident.capture_error = "none yet";
  incident.wait_graph = waits_of_each(waits.graph(), {21}).at(21);
  const std::string report = render_incident(incident);
  const std::string tree = report.substr(report.find("Who waits for whom"));
  EXPECT_EQ(
      tree.substr(0, tree.find("├─ pid 23")),
      "Who waits for whom\n"
      "14 backends wait behind pid 12, which is idle in transaction since 5 min.\n"
      "  pid 12 (client backend app@shop), which is idle in transaction since 5 min\n"
      "  ├─ pid 21 (client backend app@shop), this one: lock, AccessShareLock on relation "
      "public.orders\n"
      "  ├─ pid 22 (client backend app@shop): lock, AccessShareLock on relation public.orders\n"
      "  "
  );
  EXPECT_NE(tree.find("  └─ … 4 more\n"), std::string::npos) << tree;
  EXPECT_NE(
      tree.find("What would free pid 12\n  1. SELECT pg_terminate_backend(12);"),
      std::string::npos
  ) << tree;
}

}  // namespace
}  // namespace pghang
