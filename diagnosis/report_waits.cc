#include "diagnosis/report_waits.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "diagnosis/text.h"
#include "diagnosis/wait_builder.h"

namespace pghang {
namespace {

/// Room for a screen, not for a queue of hundreds.
constexpr std::size_t kMaxLines = 30;
constexpr std::size_t kMaxChildren = 10;
constexpr std::size_t kMaxColumns = 96;

/// Cut behind a character, never within one.
std::string cut(const std::string& words) {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(words[i]) & 0xc0U) != 0x80U;
    if (begins && ++columns > kMaxColumns) return words.substr(0, i) + "…";
  }
  return words;
}

class Tree {
 public:
  Tree(const WaitGraph& graph, pid_t reported, ReportWriter& out)
      : graph_(graph),
        reported_(reported),
        out_(out) {}

  void write() {
    const WaitNode* top = find_node(graph_, graph_.cycle.empty() ? graph_.root : graph_.cycle[0]);
    if (top == nullptr) return;
    put(words_of(*top) + (top->state.empty() ? "" : ", which " + top->state));
    shown_.insert(top->id);
    write_waiters(*top, "");
    const std::size_t left = graph_.nodes.size() - shown_.size();
    if (left > 0) put("… and " + std::to_string(left) + " more");
  }

 private:
  struct Waiter {
    const WaitNode* node = nullptr;
    const WaitEdge* edge = nullptr;
  };

  [[nodiscard]] std::string words_of(const WaitNode& node) const {
    std::string words = wait_subject(node);
    if (node.kind == WaitNodeKind::backend && !node.name.empty())
      words += " (" + text::printable(node.name) + ")";
    if (node.pid != 0 && node.pid == reported_) words += ", this one";
    return words;
  }

  void put(const std::string& line) {
    ++lines_;
    out_.line(cut(line));
  }

  /// Those with the longest tail first.
  [[nodiscard]] std::vector<Waiter> waiters_of(const WaitNode& node) const {
    std::vector<Waiter> waiters;
    for (const WaitEdge& edge : graph_.edges) {
      if (edge.to == node.id) waiters.push_back({find_node(graph_, edge.from), &edge});
    }
    std::ranges::stable_sort(waiters, std::ranges::greater{}, [](const Waiter& waiter) {
      return waiter.node->waiters;
    });
    return waiters;
  }

  void write_waiter(const Waiter& waiter, const std::string& indent, bool last) {
    const WaitNode& node = *waiter.node;
    const WaitEdge& edge = *waiter.edge;
    const bool first_time = shown_.insert(node.id).second;
    std::string line = indent + (last ? "└─ " : "├─ ") + words_of(node);
    line += ": " + std::string(to_string(edge.kind));
    if (!edge.detail.empty()) line += ", " + text::printable(edge.detail);
    if (edge.inferred) line += " (inferred)";
    if (!first_time) line += " (see above)";
    put(line);
    if (first_time) write_waiters(node, indent + (last ? "   " : "│  "));
  }

  void write_waiters(const WaitNode& node, const std::string& indent) {
    const std::vector<Waiter> waiters = waiters_of(node);
    const std::size_t shown = std::min(waiters.size(), kMaxChildren);
    for (std::size_t i = 0; i < shown && lines_ < kMaxLines; ++i)
      write_waiter(waiters[i], indent, i + 1 == waiters.size());
    if (shown == waiters.size()) return;
    // Whoever is left out here and shown nowhere else is not counted again at the end.
    std::size_t hidden = 0;
    for (std::size_t i = shown; i < waiters.size(); ++i)
      hidden += shown_.insert(waiters[i].node->id).second ? 1U : 0U;
    if (hidden > 0) put(indent + "└─ … " + std::to_string(hidden) + " more");
  }

  const WaitGraph& graph_;
  pid_t reported_;
  ReportWriter& out_;
  std::set<std::string_view> shown_;
  std::size_t lines_ = 0;
};

}  // namespace

void write_waits(const WaitGraph& graph, pid_t reported, ReportWriter& out) {
  out.heading("Who waits for whom");
  out.paragraph(graph.summary);
  Tree(graph, reported, out).write();
  const WaitNode* holder = wait_holder(graph);
  if (holder == nullptr || holder->pid == reported || graph.release.empty()) return;
  out.heading("What would free " + wait_subject(*holder));
  int number = 0;
  for (const ReleaseStep& step : graph.release) {
    out.item(std::to_string(++number) + ".", step.step);
    out.item("", "price: " + step.price);
  }
}

}  // namespace pghang
