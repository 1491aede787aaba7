#include "diagnosis/server_pid.h"

#include <algorithm>
#include <tuple>

#include <gtest/gtest.h>

#include "diagnosis/report.h"
#include "tests/diagnosis/hangs.h"
#include "tests/diagnosis/waits_builder.h"

namespace pghang {
namespace {

using tests::Given;
using tests::Waits;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// pid 4711 here, 57 there.
void in_container(Capture& capture) {
  capture.ns_pid = 57;
  capture.other_namespaces = {.pid = true, .mount = true, .network = true};
}

RelatedProcess process(pid_t pid, pid_t ns_pid) {
  RelatedProcess process = tests::process(pid, "x");
  process.ns_pid = ns_pid;
  return process;
}

const WaitNode* node(const WaitGraph& graph, const std::string& id) {
  const auto found = std::ranges::find(graph.nodes, id, &WaitNode::id);
  return found == graph.nodes.end() ? nullptr : &*found;
}

TEST(ServerPid, IsThePidInTheContainer) {
  const Evidence evidence = Given().capture(in_container).evidence();
  EXPECT_TRUE(counts_apart(evidence.capture));
  EXPECT_EQ(server_pid(evidence), 57);
  EXPECT_FALSE(counts_apart(Given().evidence().capture));
  EXPECT_EQ(server_pid(Given().evidence()), 4711);
}

TEST(ServerPid, OfAProcessThatTheServerDoesNotSeeIsNone) {
  const Capture capture = Given().capture(in_container).evidence().capture;
  EXPECT_EQ(server_pid(capture, process(900, 0)), 0);
  EXPECT_EQ(server_pid(capture, process(900, 60)), 60);
  EXPECT_EQ(server_pid(Given().evidence().capture, process(900, 0)), 900)
      << "as in a bundle of an earlier release";
}

TEST(ServerPid, CommandsSayWhoCountsSo) {
  Capture capture = Given().capture(in_container).evidence().capture;
  capture.children = {process(815, 0)};
  EXPECT_EQ(
      with_other_pid("kill -CONT 4711", capture),
      "kill -CONT 4711 # on the host; pid 57 to the server"
  );
  EXPECT_EQ(
      with_other_pid("SELECT pg_terminate_backend(57);", capture),
      "SELECT pg_terminate_backend(57); -- pid 4711 on the host"
  );
  EXPECT_EQ(with_other_pid("kill -TERM 815", capture), "kill -TERM 815 # on the host");
  EXPECT_EQ(with_other_pid("kill -TERM 47110", capture), "kill -TERM 47110");
  EXPECT_EQ(with_other_pid("kill -CONT 4711", Given().evidence().capture), "kill -CONT 4711");
}

TEST(ServerPid, ReleaseStepsInAContainerSayWhichPidIsWhich) {
  const Verdict stopped =
      diagnose(Given().die_pending().state(ProcessState::stopped).capture(in_container).evidence());
  EXPECT_EQ(stopped.release.front().step, "kill -CONT 4711 # on the host; pid 57 to the server");
}

TEST(ServerPid, AReportOfAContainerNamesBoth) {
  const Evidence evidence = Given().capture(in_container).evidence();
  const std::string report = render_report(evidence, diagnose(evidence), std::nullopt);
  EXPECT_TRUE(contains(report, "pid 4711 (57 to the server)")) << report;
  EXPECT_TRUE(contains(report, "pid 57 there and in SQL, 4711 on this host")) << report;
  EXPECT_TRUE(contains(report, "/proc/4711/root")) << report;
}

TEST(ServerPid, PathsOfAMountNamespaceLeadThroughItsRoot) {
  const Given given =
      tests::copy_from_fifo().capture([](Capture& c) { c.other_namespaces.mount = true; });
  EXPECT_TRUE(
      contains(diagnose(given.evidence()).release.front().step, "/proc/4711/root/tmp/x/fifo")
  );
}

TEST(ContainerWaits, AreBySqlsPids) {
  Waits waits;
  waits.active(57).lock(60, {57}).captured(4711, [](Capture& capture) {
    in_container(capture);
    capture.samples.back().state = ProcessState::stopped;
  });
  const WaitGraph graph = waits.graph();
  ASSERT_EQ(graph.root, "pid:57");
  EXPECT_EQ(node(graph, "pid:57")->host_pid, 4711);
  EXPECT_EQ(node(graph, "pid:57")->name, "client backend app@shop");
  EXPECT_EQ(graph.summary, "1 backend waits behind pid 57 (4711 on the host), which is stopped.");
}

TEST(ContainerWaits, DoNotMistakeAHostsProcessForABackend) {
  Waits waits;
  waits.active(815).captured(4711, [](Capture& capture) {
    in_container(capture);
    tests::wait_on(capture, FdKind::pipe, {tests::process(815, "sleep")});
  });
  const WaitGraph graph = waits.graph();
  ASSERT_EQ(graph.root, "host:815");
  EXPECT_EQ(node(graph, "host:815")->pid, 0);
  EXPECT_EQ(node(graph, "host:815")->kind, WaitNodeKind::process);
  EXPECT_TRUE(node(graph, "host:815")->release.empty());
  EXPECT_EQ(graph.summary, "1 backend waits behind host pid 815 (sleep).");
}

TEST(ContainerWaits, KnowABackendAtTheOtherEnd) {
  Waits waits;
  waits.idle_in_transaction(61, std::chrono::seconds(5)).captured(4711, [](Capture& capture) {
    in_container(capture);
    RelatedProcess peer = tests::process(4715, "postgres");
    peer.ns_pid = 61;
    tests::wait_on(capture, FdKind::pipe, {peer});
  });
  const WaitGraph graph = waits.graph();
  ASSERT_EQ(graph.root, "pid:61");
  EXPECT_EQ(node(graph, "pid:61")->host_pid, 4715);
  EXPECT_EQ(graph.release.front().step, "SELECT pg_terminate_backend(61);");
}

TEST(ContainerWaits, OfALeaderAreItsOwnWorkers) {
  const auto leader = [](Capture& capture) {
    in_container(capture);
    capture.samples.back().flags.wait_event_info = 0x0800'0003;
    for (const auto& [pid, ns_pid, title] :
         {std::tuple(4712, 58, "postgres: parallel worker for PID 57 "),
          std::tuple(4713, 59, "postgres: parallel worker for PID 4711 ")}) {
      ClusterProcess worker;
      worker.key = {pid, 1};
      worker.ns_pid = ns_pid;
      worker.title = title;
      worker.sample.state = ProcessState::stopped;
      capture.cluster.push_back(worker);
    }
  };
  Waits waits;
  const WaitGraph graph = waits.captured(4711, leader).graph();
  ASSERT_EQ(graph.edges.size(), 1U);
  EXPECT_EQ(graph.edges[0].from, "pid:57");
  EXPECT_EQ(graph.edges[0].to, "pid:58");
  EXPECT_EQ(
      node(graph, "pid:58")->release.front().step,
      "kill -CONT 4712 # on the host; pid 58 to the server"
  );
}

}  // namespace
}  // namespace pghang
