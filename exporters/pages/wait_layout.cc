#include "exporters/pages/wait_layout.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "diagnosis/wait_builder.h"

namespace pghang {
namespace {

constexpr int kMargin = 8;
constexpr int kColumnGap = 124;  ///< room for an edge's words
constexpr int kRowGap = 18;

using Ids = std::set<std::string_view>;

class Layout {
 public:
  Layout(const WaitGraph& graph, pid_t reported) : graph_(graph), reported_(reported) {
    for (const WaitEdge& edge : graph.edges) {
      ahead_.emplace(edge.from, edge.to);
      behind_.emplace(edge.to, edge.from);
    }
  }

  WaitDrawing take() {
    const WaitNode* end = find_node(graph_, graph_.cycle.empty() ? graph_.root : graph_.cycle[0]);
    if (end == nullptr) return {};
    find_way();
    std::vector<const WaitNode*> column{end};
    seen_.insert(end->id);
    while (!column.empty() && columns_.size() < kWaitColumns) {
      add_column(column);
      column = next_column();
    }
    place();
    connect();
    drawing_.left_out = graph_.nodes.size() - boxes_.size();
    return std::move(drawing_);
  }

 private:
  /// What the reported process waits for, directly or not.
  void find_way() {
    const WaitNode* self = find_node(graph_, "pid:" + std::to_string(reported_));
    if (self == nullptr) return;
    std::vector<std::string_view> todo{self->id};
    while (!todo.empty()) {
      const std::string_view here = todo.back();
      todo.pop_back();
      if (!way_.insert(here).second) continue;
      const auto [first, last] = ahead_.equal_range(here);
      for (auto it = first; it != last; ++it)
        todo.push_back(it->second);
    }
  }

  void add_column(std::vector<const WaitNode*>& column) {
    std::ranges::stable_sort(column, std::ranges::greater{}, [&](const WaitNode* node) {
      return std::tuple(way_.contains(node->id), node->waiters);
    });
    // The last row says how many more there are.
    const bool all = column.size() <= kWaitRows;
    const std::size_t shown = all ? column.size() : kWaitRows - 1;
    std::vector<std::size_t> boxes;
    for (std::size_t i = 0; i < shown; ++i) {
      boxes.push_back(drawing_.boxes.size());
      boxes_[column[i]->id] = boxes.back();
      WaitDrawing::Box box;
      box.node = column[i];
      box.end = columns_.empty();
      box.reported = reported_ != 0 && column[i]->pid == reported_;
      drawing_.boxes.push_back(box);
    }
    if (!all) {
      boxes.push_back(drawing_.boxes.size());
      WaitDrawing::Box box;
      box.more = column.size() - shown;
      drawing_.boxes.push_back(box);
    }
    columns_.push_back(std::move(boxes));
  }

  /// Who waits for a box of the last column.
  std::vector<const WaitNode*> next_column() {
    std::vector<const WaitNode*> column;
    for (const std::size_t index : columns_.back()) {
      const WaitNode* node = drawing_.boxes[index].node;
      if (node == nullptr) continue;
      const auto [first, last] = behind_.equal_range(node->id);
      for (auto it = first; it != last; ++it) {
        if (seen_.insert(it->second).second) column.push_back(find_node(graph_, it->second));
      }
    }
    return column;
  }

  void place() {
    constexpr int pitch = kWaitBoxHeight + kRowGap;
    std::size_t rows = 0;
    for (const auto& column : columns_)
      rows = std::max(rows, column.size());
    const int tallest = static_cast<int>(rows) * pitch - kRowGap;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const int height = static_cast<int>(columns_[i].size()) * pitch - kRowGap;
      int y = kMargin + (tallest - height) / 2;
      for (const std::size_t index : columns_[i]) {
        drawing_.boxes[index].x = kMargin + static_cast<int>(i) * (kWaitBoxWidth + kColumnGap);
        drawing_.boxes[index].y = y;
        y += pitch;
      }
    }
    drawing_.width =
        2 * kMargin - kColumnGap + static_cast<int>(columns_.size()) * (kWaitBoxWidth + kColumnGap);
    drawing_.height = tallest + 2 * kMargin;
  }

  void connect() {
    for (const WaitEdge& edge : graph_.edges) {
      const auto from = boxes_.find(edge.from);
      const auto to = boxes_.find(edge.to);
      if (from != boxes_.end() && to != boxes_.end())
        drawing_.lines.push_back({from->second, to->second, &edge});
    }
  }

  const WaitGraph& graph_;
  pid_t reported_;
  std::multimap<std::string_view, std::string_view> ahead_;
  std::multimap<std::string_view, std::string_view> behind_;
  Ids way_;
  Ids seen_;
  std::map<std::string_view, std::size_t> boxes_;
  std::vector<std::vector<std::size_t>> columns_;
  WaitDrawing drawing_;
};

}  // namespace

WaitDrawing lay_out_waits(const WaitGraph& graph, pid_t reported) {
  return Layout(graph, reported).take();
}

}  // namespace pghang
