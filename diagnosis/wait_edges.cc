#include "diagnosis/wait_edges.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string_view>

#include "diagnosis/facts.h"
#include "diagnosis/place.h"
#include "diagnosis/server_pid.h"
#include "diagnosis/suspects.h"
#include "diagnosis/text.h"
#include "diagnosis/values_descriptor.h"

namespace pghang {
namespace {

/// PG_WAIT_IPC (wait_event.h): waits for another process of the server.
constexpr std::uint32_t kIpcClass = 0x08;
/// suspects_of() names the most telling first; the rest only blurs the graph.
constexpr std::size_t kMaxSuspects = 3;
constexpr std::string_view kWorkerTitle = "parallel worker for PID ";

/// A worker that has more to say than its leader reads.
constexpr auto kWorkerWaitsForLeader =
    std::to_array<const char*>({"MessageQueueSend", "MessageQueuePutMessage"});

bool same_word(const std::optional<std::string>& word, const char* other) {
  return word && strcasecmp(word->c_str(), other) == 0;
}

bool waits_for_leader(const Activity& worker) {
  return std::ranges::any_of(kWorkerWaitsForLeader, [&](const char* event) {
    return same_word(worker.wait_event, event);
  });
}

/// As the server counts; 0 where the title is no parallel worker's.
pid_t leader_in_title(std::string_view title) {
  const auto found = title.find(kWorkerTitle);
  if (found == std::string_view::npos) return 0;
  const std::string_view number = title.substr(found + kWorkerTitle.size());
  pid_t leader = 0;
  std::from_chars(number.data(), number.data() + number.size(), leader);
  return leader;
}

/// One captured backend's waits.
class CaptureWaits {
 public:
  CaptureWaits(const Evidence& evidence, const WaitPeople& people, WaitBuilder& graph)
      : evidence_(evidence),
        capture_(evidence.capture),
        facts_(facts_of(evidence)),
        people_(people),
        graph_(graph),
        self_(pid_node_id(server_pid(capture_))) {}

  void add() {
    if (facts_.gone || capture_.samples.empty()) return;
    if (!graph_.add(people_.node(server_pid(capture_), capture_.postgres))) return graph_.drop();
    add_mount(self_, capture_.samples.back(), capture_.syscall);
    if (facts_.uninterruptible || facts_.running) return;
    add_descriptor();
    add_children();
    if (facts_.lwlock) add_suspects();
    if (waits_for_workers()) add_workers();
  }

 private:
  void connect(const WaitNode& node, WaitEdgeKind kind, std::string detail) {
    if (!graph_.add(node)) return graph_.drop();
    graph_.connect({self_, node.id, kind, std::move(detail), false});
  }

  void add_mount(
      const std::string& waiter,
      const Sample& sample,
      const std::optional<Syscall>& syscall
  ) {
    const std::string mount = stuck_mount(sample, syscall);
    if (mount.empty()) return;
    WaitNode node;
    node.id = "mount:" + mount;
    node.kind = WaitNodeKind::mount;
    node.name = mount;
    node.state = "is " + syscall->fd->fs_type + " on " + syscall->fd->device;
    if (!graph_.add(std::move(node))) return graph_.drop();
    graph_.connect({waiter, "mount:" + mount, WaitEdgeKind::io, short_call(*syscall), false});
  }

  [[nodiscard]] bool is_child(pid_t pid) const {
    return std::ranges::find(capture_.children, pid, &RelatedProcess::pid) !=
           capture_.children.end();
  }

  void add_peer(const FdTarget& fd, const RelatedProcess& peer) {
    const std::string detail = short_call(*capture_.syscall);
    if (peer.pid == 0) {
      if (peer.address.empty()) return;
      WaitNode remote;
      remote.id = "address:" + peer.address;
      remote.kind = WaitNodeKind::remote_address;
      remote.name = peer.address;
      return connect(remote, WaitEdgeKind::remote, detail);
    }
    WaitEdgeKind kind = fd.kind == FdKind::socket ? WaitEdgeKind::socket : WaitEdgeKind::pipe;
    if (!fd.lock.empty()) kind = WaitEdgeKind::file_lock;
    if (is_child(peer.pid)) kind = WaitEdgeKind::child;
    connect(people_.node_of_host(peer.pid, false), kind, detail);
  }

  /// False where the client is not known.
  bool add_client() {
    const FdTarget* const client = client_socket(capture_);
    if (client == nullptr || client->peers.empty()) return false;
    for (const RelatedProcess& peer : client->peers)
      add_peer(*client, peer);
    return true;
  }

  void add_descriptor() {
    if (facts_.client_write && add_client()) return;
    if (!capture_.syscall || !capture_.syscall->fd) return;
    const FdTarget& fd = *capture_.syscall->fd;
    const bool other_end =
        fd.kind == FdKind::pipe || fd.kind == FdKind::fifo || fd.kind == FdKind::socket;
    if (!other_end && fd.lock.empty()) return;
    // The postmaster keeps both ends of the log pipe for the next logger, and reads neither.
    const bool others = std::ranges::any_of(fd.peers, [this](const RelatedProcess& peer) {
      return peer.pid != capture_.ppid;
    });
    for (const RelatedProcess& peer : fd.peers) {
      if (others && peer.pid == capture_.ppid) continue;
      add_peer(fd, peer);
    }
  }

  void add_children() {
    if (!capture_.syscall || !capture_.syscall->name.starts_with("wait")) return;
    for (const RelatedProcess& child : capture_.children)
      connect(
          people_.node_of_host(child.pid, false),
          WaitEdgeKind::child,
          short_call(*capture_.syscall)
      );
  }

  void add_suspects() {
    const std::vector<Suspect> suspects = suspects_of(capture_);
    for (std::size_t i = 0; i < std::min(suspects.size(), kMaxSuspects); ++i) {
      const Suspect& suspect = suspects[i];
      const WaitNode node = people_.node_of_host(suspect.pid, true);
      connect(node, WaitEdgeKind::lwlock_suspect, suspect.why);
      const auto process =
          std::ranges::find_if(capture_.cluster, [&](const ClusterProcess& candidate) {
            return candidate.key.pid == suspect.pid;
          });
      if (process != capture_.cluster.end()) add_mount(node.id, process->sample, process->syscall);
    }
  }

  [[nodiscard]] bool waits_for_workers() const {
    if (evidence_.activity && same_word(evidence_.activity->wait_event_type, "IPC")) return true;
    const auto& word = capture_.samples.back().flags.wait_event_info;
    if (word && *word >> 24U == kIpcClass) return true;
    return stack_has(
        evidence_,
        {"WaitForBackgroundWorkerShutdown",
         "WaitForParallelWorkersToFinish",
         "WaitForParallelWorkersToExit",
         "ExecParallelFinish"}
    );
  }

  void add_workers() {
    for (const ClusterProcess& process : capture_.cluster) {
      const pid_t leader = leader_in_title(process.title);
      if (leader != server_pid(capture_)) continue;
      const WaitNode worker = people_.node(server_pid(process), true);
      connect(worker, WaitEdgeKind::parallel, "waits for its parallel worker");
      add_mount(worker.id, process.sample, process.syscall);
    }
  }

  const Evidence& evidence_;
  const Capture& capture_;
  Facts facts_;
  const WaitPeople& people_;
  WaitBuilder& graph_;
  std::string self_;
};

void connect_pids(
    pid_t from,
    pid_t to,
    WaitEdgeKind kind,
    std::string detail,
    bool inferred,
    const WaitPeople& people,
    WaitBuilder& graph
) {
  if (!graph.add(people.node(from, true)) || !graph.add(people.node(to, true))) return graph.drop();
  graph.connect({pid_node_id(from), pid_node_id(to), kind, std::move(detail), inferred});
}

void add_parallel(const WaitInputs& inputs, const WaitPeople& people, WaitBuilder& graph) {
  for (const Activity& worker : inputs.sessions) {
    const pid_t leader = worker.leader_pid.value_or(worker.key.pid);
    if (leader == worker.key.pid) continue;
    if (waits_for_leader(worker)) {
      connect_pids(
          worker.key.pid,
          leader,
          WaitEdgeKind::parallel,
          "waits for its leader to read",
          false,
          people,
          graph
      );
      continue;
    }
    const Activity* session = people.session(leader);
    if (session == nullptr || !same_word(session->wait_event_type, "IPC")) continue;
    connect_pids(
        leader,
        worker.key.pid,
        WaitEdgeKind::parallel,
        "waits for its parallel worker",
        false,
        people,
        graph
    );
  }
}

/// Who was not captured waits for the same LWLock, by its name, as one that was: for the same
/// suspect then.
void add_lwlock_waiters(const WaitInputs& inputs, const WaitPeople& people, WaitBuilder& graph) {
  std::map<std::string, pid_t> suspect_of;  // by the pid on this host
  for (const CapturedBackend& one : inputs.captured) {
    const Capture& capture = one.evidence->capture;
    const Activity* session = people.session(server_pid(capture));
    if (session == nullptr || !same_word(session->wait_event_type, "LWLock")) continue;
    const std::vector<Suspect> suspects = suspects_of(capture);
    if (!suspects.empty())
      suspect_of.emplace(session->wait_event.value_or(""), suspects.front().pid);
  }
  if (suspect_of.empty()) return;
  for (const Activity& session : inputs.sessions) {
    if (!same_word(session.wait_event_type, "LWLock")) continue;
    if (people.captured(session.key.pid) != nullptr) continue;
    const auto found = suspect_of.find(session.wait_event.value_or(""));
    if (found == suspect_of.end()) continue;
    connect_pids(
        session.key.pid,
        people.node_of_host(found->second, true).pid,
        WaitEdgeKind::lwlock_suspect,
        "waits for LWLock " + found->first + " too",
        true,
        people,
        graph
    );
  }
}

}  // namespace

void add_capture_waits(const WaitInputs& inputs, const WaitPeople& people, WaitBuilder& graph) {
  for (const CapturedBackend& one : inputs.captured)
    CaptureWaits(*one.evidence, people, graph).add();
}

void add_session_waits(const WaitInputs& inputs, const WaitPeople& people, WaitBuilder& graph) {
  add_parallel(inputs, people, graph);
  add_lwlock_waiters(inputs, people, graph);
}

}  // namespace pghang
