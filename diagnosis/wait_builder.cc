#include "diagnosis/wait_builder.h"

#include <algorithm>
#include <deque>
#include <set>
#include <string_view>
#include <utility>

namespace pghang {
namespace {

using Index = std::size_t;

/// By position in `nodes`: the direct neighbours ahead of each.
using Ahead = std::vector<std::vector<Index>>;

/// reaches[i][j]: there is a way from i to j; reaches[i][i] only in a circle.
using Reaches = std::vector<std::vector<bool>>;

Ahead ahead_of(const WaitGraph& graph) {
  std::map<std::string_view, Index> position;
  for (Index i = 0; i < graph.nodes.size(); ++i)
    position[graph.nodes[i].id] = i;
  Ahead ahead(graph.nodes.size());
  for (const WaitEdge& edge : graph.edges)
    ahead[position.at(edge.from)].push_back(position.at(edge.to));
  return ahead;
}

Reaches reaches_of(const Ahead& ahead) {
  Reaches reaches(ahead.size(), std::vector<bool>(ahead.size()));
  for (Index start = 0; start < ahead.size(); ++start) {
    std::vector<Index> todo{start};
    while (!todo.empty()) {
      const Index here = todo.back();
      todo.pop_back();
      for (const Index there : ahead[here]) {
        if (reaches[start][there]) continue;
        reaches[start][there] = true;
        todo.push_back(there);
      }
    }
  }
  return reaches;
}

/// One way round through `start`, shortest first; empty where there is none.
std::vector<Index> circle_through(const Ahead& ahead, Index start) {
  std::map<Index, Index> came_from;
  std::deque<Index> todo{start};
  while (!todo.empty()) {
    const Index here = todo.front();
    todo.pop_front();
    for (const Index there : ahead[here]) {
      if (there == start) {
        std::vector<Index> circle{here};
        while (circle.back() != start)
          circle.push_back(came_from.at(circle.back()));
        std::ranges::reverse(circle);
        return circle;
      }
      if (came_from.emplace(there, here).second) todo.push_back(there);
    }
  }
  return {};
}

/// Where the edges end: nodes that wait for nobody, and the first node of each circle without a way
/// out.
std::vector<Index> ends_of(const Reaches& reaches) {
  std::vector<Index> ends;
  for (Index i = 0; i < reaches.size(); ++i) {
    bool end = true;
    for (Index there = 0; there < reaches.size() && end; ++there) {
      if (!reaches[i][there]) continue;
      end = reaches[there][i] && there >= i;
    }
    if (end) ends.push_back(i);
  }
  return ends;
}

void count_waiters(WaitGraph& graph, const Reaches& reaches) {
  for (Index i = 0; i < graph.nodes.size(); ++i) {
    graph.nodes[i].waiters = 0;
    for (Index other = 0; other < graph.nodes.size(); ++other) {
      const bool behind = other != i && reaches[other][i];
      if (behind && graph.nodes[other].kind == WaitNodeKind::backend) ++graph.nodes[i].waiters;
    }
  }
}

/// The more telling end compares greater; equal ones keep the order of the nodes.
auto weight(const WaitNode& node) {
  return std::tuple(
      node.kind != WaitNodeKind::unknown,
      node.waiters,
      node.cannot_run,
      node.unresponsive
  );
}

void find_root(WaitGraph& graph, const Ahead& ahead, const Reaches& reaches) {
  const std::vector<Index> ends = ends_of(reaches);
  graph.root.clear();
  graph.cycle.clear();
  if (ends.empty()) return;
  const Index end = *std::ranges::max_element(ends, [&](Index one, Index other) {
    return weight(graph.nodes[one]) < weight(graph.nodes[other]);
  });
  if (ahead[end].empty()) {
    graph.root = graph.nodes[end].id;
    return;
  }
  for (const Index i : circle_through(ahead, end))
    graph.cycle.push_back(graph.nodes[i].id);
}

}  // namespace

bool WaitBuilder::add(WaitNode node) {
  if (has(node.id)) return true;
  if (nodes_.size() >= kMaxWaitNodes) return false;
  std::string id = node.id;
  nodes_.emplace(std::move(id), std::move(node));
  return true;
}

void WaitBuilder::connect(WaitEdge edge) {
  if (edge.from == edge.to) return;
  auto key = std::tuple(edge.from, edge.to, edge.kind);
  if (edges_.contains(key)) return;
  if (!has(edge.from) || !has(edge.to) || edges_.size() >= kMaxWaitEdges) {
    drop();
    return;
  }
  edges_.emplace(std::move(key), std::move(edge));
}

WaitGraph WaitBuilder::take() {
  WaitGraph graph;
  graph.dropped = dropped_;
  std::set<std::string_view> connected;
  for (const auto& [key, edge] : edges_) {
    connected.insert(edge.from);
    connected.insert(edge.to);
  }
  for (const auto& [id, node] : nodes_) {
    if (connected.contains(id)) graph.nodes.push_back(node);
  }
  for (const auto& [key, edge] : edges_)
    graph.edges.push_back(edge);
  finish(graph);
  return graph;
}

void finish(WaitGraph& graph) {
  std::ranges::sort(graph.nodes, {}, [](const WaitNode& node) {
    return std::tuple(node.kind, node.pid, std::string_view(node.id));
  });
  const Ahead ahead = ahead_of(graph);
  const Reaches reaches = reaches_of(ahead);
  count_waiters(graph, reaches);
  find_root(graph, ahead, reaches);
  const WaitNode* holder = wait_holder(graph);
  graph.release = holder == nullptr ? std::vector<ReleaseStep>() : holder->release;
  graph.summary = wait_summary(graph);
}

const WaitNode* find_node(const WaitGraph& graph, std::string_view id) {
  const auto found = std::ranges::find(graph.nodes, id, &WaitNode::id);
  return found == graph.nodes.end() ? nullptr : &*found;
}

const WaitNode* wait_holder(const WaitGraph& graph) {
  const WaitNode* root = find_node(graph, graph.root);
  if (root == nullptr ||
      (root->kind != WaitNodeKind::mount && root->kind != WaitNodeKind::remote_address)) {
    return root;
  }
  const WaitEdge* before = nullptr;
  for (const WaitEdge& edge : graph.edges) {
    if (edge.to != root->id) continue;
    if (before != nullptr) return root;
    before = &edge;
  }
  return before == nullptr ? root : find_node(graph, before->from);
}

}  // namespace pghang
