#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "diagnosis/wait_graph.h"

namespace pghang {

/// A wait graph placed for a drawing: what everybody waits for at the left, and who waits for whom
/// one column further right. Pure; units are CSS pixels.
struct WaitDrawing {
  struct Box {
    const WaitNode* node = nullptr;  ///< of the graph; null: so many more are not drawn
    std::size_t more = 0;
    int x = 0;
    int y = 0;
    bool end = false;       ///< here the edges end
    bool reported = false;  ///< whom the page is about
  };

  struct Line {
    std::size_t from = 0;  ///< index in `boxes`: who waits
    std::size_t to = 0;
    const WaitEdge* edge = nullptr;  ///< of the graph
  };

  int width = 0;
  int height = 0;
  std::vector<Box> boxes;
  std::vector<Line> lines;
  std::size_t left_out = 0;  ///< nodes that are not drawn
};

inline constexpr int kWaitBoxWidth = 240;
inline constexpr int kWaitBoxHeight = 64;
inline constexpr std::size_t kWaitColumns = 6;
inline constexpr std::size_t kWaitRows = 7;

/// At most kWaitColumns columns of kWaitRows boxes. Who leads from `reported` to the end is always
/// among them, then those with the most waiters. Refers to `graph`.
[[nodiscard]] WaitDrawing lay_out_waits(const WaitGraph& graph, pid_t reported);

}  // namespace pghang
