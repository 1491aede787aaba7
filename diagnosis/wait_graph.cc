#include "diagnosis/wait_graph.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "diagnosis/server_pid.h"
#include "diagnosis/wait_builder.h"
#include "diagnosis/wait_edges.h"
#include "diagnosis/wait_people.h"

namespace pghang {
namespace {

using Next = std::multimap<std::string_view, std::string_view>;

/// `start` and everything that it leads to.
std::set<std::string_view> reached(const Next& next, std::set<std::string_view> start) {
  std::vector<std::string_view> todo(start.begin(), start.end());
  std::set<std::string_view> seen = std::move(start);
  while (!todo.empty()) {
    const std::string_view here = todo.back();
    todo.pop_back();
    const auto [first, last] = next.equal_range(here);
    for (auto it = first; it != last; ++it) {
      if (seen.insert(it->second).second) todo.push_back(it->second);
    }
  }
  return seen;
}

/// Cuts a graph into the parts that concern one process each.
class Parts {
 public:
  explicit Parts(const WaitGraph& graph) : graph_(graph) {
    for (const WaitEdge& edge : graph.edges) {
      ahead_.emplace(edge.from, edge.to);
      behind_.emplace(edge.to, edge.from);
    }
  }

  /// The ids of what the process waits for and of everybody who waits for any of that.
  [[nodiscard]] std::set<std::string_view> around(pid_t pid) const {
    const WaitNode* self = find_node(graph_, pid_node_id(pid));
    if (self == nullptr) return {};
    return reached(behind_, reached(ahead_, {self->id}));
  }

  [[nodiscard]] WaitGraph part(const std::set<std::string_view>& ids) const {
    WaitGraph part;
    part.dropped = graph_.dropped;
    for (const WaitNode& node : graph_.nodes) {
      if (ids.contains(node.id)) part.nodes.push_back(node);
    }
    for (const WaitEdge& edge : graph_.edges) {
      if (ids.contains(edge.from) && ids.contains(edge.to)) part.edges.push_back(edge);
    }
    finish(part);
    return part;
  }

 private:
  const WaitGraph& graph_;
  Next ahead_;
  Next behind_;
};

}  // namespace

WaitGraph wait_graph(const WaitInputs& inputs) {
  const WaitPeople people(inputs);
  WaitBuilder graph;
  // What stays when there is no room for all: the captured ones first.
  add_capture_waits(inputs, people, graph);
  add_session_waits(inputs, people, graph);
  if (inputs.locks) add_lock_waits(*inputs.locks, people, graph);
  return graph.take();
}

std::optional<WaitGraph> waits_of(const WaitGraph& graph, pid_t pid) {
  const Parts parts(graph);
  const std::set<std::string_view> ids = parts.around(pid);
  if (ids.size() < 2) return std::nullopt;
  return parts.part(ids);
}

std::map<pid_t, std::shared_ptr<const WaitGraph>>
waits_of_each(const WaitGraph& graph, const std::vector<pid_t>& pids) {
  const Parts parts(graph);
  std::map<std::set<std::string_view>, std::shared_ptr<const WaitGraph>> known;
  std::map<pid_t, std::shared_ptr<const WaitGraph>> each;
  for (const pid_t pid : pids) {
    std::set<std::string_view> ids = parts.around(pid);
    if (ids.size() < 2) continue;
    std::shared_ptr<const WaitGraph>& shared = known[ids];
    if (!shared) shared = std::make_shared<const WaitGraph>(parts.part(ids));
    each[pid] = shared;
  }
  return each;
}

std::optional<WaitGraph> wait_graph_of(const Evidence& evidence, const Verdict& verdict) {
  WaitInputs inputs;
  inputs.captured = {{&evidence, &verdict}};
  return waits_of(wait_graph(inputs), server_pid(evidence.capture));
}

std::size_t blocked_backends(const WaitGraph& graph) {
  Next behind;
  for (const WaitEdge& edge : graph.edges)
    behind.emplace(edge.to, edge.from);
  std::set<std::string_view> unresponsive;
  for (const WaitNode& node : graph.nodes) {
    if (node.unresponsive) unresponsive.insert(node.id);
  }
  const std::set<std::string_view> stuck = reached(behind, unresponsive);
  return static_cast<std::size_t>(std::ranges::count_if(graph.nodes, [&](const WaitNode& node) {
    return node.kind == WaitNodeKind::backend && !node.unresponsive && stuck.contains(node.id);
  }));
}

}  // namespace pghang
