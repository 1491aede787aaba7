#pragma once

#include <map>
#include <string>
#include <tuple>

#include "diagnosis/wait_graph.h"

namespace pghang {

/// Collects nodes and edges of a wait graph, each once, up to the limits; what comes first stays.
class WaitBuilder {
 public:
  /// False where there is no room for it. Of a node that is there already the first one counts.
  bool add(WaitNode node);

  [[nodiscard]] bool has(const std::string& id) const { return nodes_.contains(id); }

  /// Both ends must have been added, else it counts as dropped. Nobody waits for himself.
  void connect(WaitEdge edge);

  /// A wait that there was no room for.
  void drop() { ++dropped_; }

  [[nodiscard]] WaitGraph take();

 private:
  std::map<std::string, WaitNode> nodes_;
  std::map<std::tuple<std::string, std::string, WaitEdgeKind>, WaitEdge> edges_;
  std::size_t dropped_ = 0;
};

/// Sorts, counts who waits behind whom, finds the root and says it in one sentence.
void finish(WaitGraph& graph);

/// The sentence; the rest of the graph is complete by then.
[[nodiscard]] std::string wait_summary(const WaitGraph& graph);

/// The process that a root is about: the only one in front of a file system or a remote address,
/// else the root itself. Null where the graph ends in a cycle.
[[nodiscard]] const WaitNode* wait_holder(const WaitGraph& graph);

[[nodiscard]] const WaitNode* find_node(const WaitGraph& graph, std::string_view id);

/// `pid 12`, `pid 815 (sleep)`, `prepared transaction 'x'`, `file system /srv/ts`.
[[nodiscard]] std::string wait_subject(const WaitNode& node);

}  // namespace pghang
