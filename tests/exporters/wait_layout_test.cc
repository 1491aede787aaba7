#include "exporters/pages/wait_layout.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "diagnosis/wait_builder.h"
#include "exporters/pages/svg_wait_graph.h"

namespace pghang {
namespace {

std::string id_of(int pid) {
  return "pid:" + std::to_string(pid);
}

/// Pids 1 to `count`, and pairs of who waits for whom.
WaitGraph graph_of(int count, const std::vector<std::pair<int, int>>& waits) {
  WaitBuilder builder;
  for (int pid = 1; pid <= count; ++pid) {
    WaitNode node;
    node.id = id_of(pid);
    node.kind = WaitNodeKind::backend;
    node.pid = pid;
    builder.add(node);
  }
  for (const auto& [from, to] : waits) {
    WaitEdge edge;
    edge.from = id_of(from);
    edge.to = id_of(to);
    builder.connect(edge);
  }
  return builder.take();
}

/// Everybody waits for pid 1.
WaitGraph queue_of(int count) {
  std::vector<std::pair<int, int>> waits;
  for (int pid = 2; pid <= count; ++pid)
    waits.emplace_back(pid, 1);
  return graph_of(count, waits);
}

const WaitDrawing::Box* box_of(const WaitDrawing& drawing, int pid) {
  const auto found = std::ranges::find_if(drawing.boxes, [pid](const WaitDrawing::Box& box) {
    return box.node != nullptr && box.node->pid == pid;
  });
  return found == drawing.boxes.end() ? nullptr : &*found;
}

void expect_sound(const WaitDrawing& drawing) {
  ASSERT_LE(drawing.boxes.size(), kWaitColumns * kWaitRows);
  for (std::size_t i = 0; i < drawing.boxes.size(); ++i) {
    const WaitDrawing::Box& one = drawing.boxes[i];
    EXPECT_GE(one.x, 0);
    EXPECT_GE(one.y, 0);
    EXPECT_LE(one.x + kWaitBoxWidth, drawing.width);
    EXPECT_LE(one.y + kWaitBoxHeight, drawing.height);
    for (std::size_t k = 0; k < i; ++k) {
      const WaitDrawing::Box& other = drawing.boxes[k];
      EXPECT_TRUE(one.x != other.x || std::abs(one.y - other.y) >= kWaitBoxHeight);
    }
  }
  for (const WaitDrawing::Line& line : drawing.lines) {
    ASSERT_LT(line.from, drawing.boxes.size());
    ASSERT_LT(line.to, drawing.boxes.size());
    EXPECT_EQ(drawing.boxes[line.from].node->id, line.edge->from);
    EXPECT_EQ(drawing.boxes[line.to].node->id, line.edge->to);
  }
}

TEST(WaitLayout, WhatAllWaitForIsAtTheLeftAndWhoWaitsIsAColumnFurtherRight) {
  const WaitGraph graph = graph_of(3, {{2, 1}, {3, 2}});
  const WaitDrawing drawing = lay_out_waits(graph, 2);
  expect_sound(drawing);
  ASSERT_EQ(drawing.boxes.size(), 3U);
  EXPECT_TRUE(box_of(drawing, 1)->end);
  EXPECT_LT(box_of(drawing, 1)->x, box_of(drawing, 2)->x);
  EXPECT_LT(box_of(drawing, 2)->x, box_of(drawing, 3)->x);
  EXPECT_TRUE(box_of(drawing, 2)->reported);
  EXPECT_EQ(drawing.lines.size(), 2U);
  EXPECT_EQ(drawing.left_out, 0U);
}

TEST(WaitLayout, OfAQueueOfHundredsSaysHowManyMoreAndStillShowsWhomItIsAbout) {
  const WaitGraph graph = queue_of(187);
  const WaitDrawing drawing = lay_out_waits(graph, 150);
  expect_sound(drawing);
  EXPECT_NE(box_of(drawing, 150), nullptr);
  EXPECT_EQ(drawing.boxes.back().node, nullptr);
  EXPECT_EQ(drawing.boxes.back().more, 180U);
  EXPECT_EQ(drawing.left_out, 180U);
  EXPECT_NE(wait_graph_svg(drawing, "x").find("and 180 more"), std::string::npos);
}

TEST(WaitLayout, ADeadlockIsDrawnWithAllItsEdges) {
  const WaitGraph graph = graph_of(3, {{1, 2}, {2, 3}, {3, 1}});
  ASSERT_FALSE(graph.cycle.empty());
  const WaitDrawing drawing = lay_out_waits(graph, 1);
  expect_sound(drawing);
  EXPECT_EQ(drawing.boxes.size(), 3U);
  EXPECT_EQ(drawing.lines.size(), 3U);
}

TEST(WaitLayout, NothingOverlapsInGraphsOfAnyShape) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const int count = 2 + static_cast<int>(random() % 60);
    const auto any = [&] {
      return 1 + static_cast<int>(random() % static_cast<unsigned>(count));
    };
    std::vector<std::pair<int, int>> waits(random() % 150);
    for (auto& [from, to] : waits) {
      from = any();
      to = any();
    }
    const WaitGraph graph = graph_of(count, waits);
    const WaitDrawing drawing = lay_out_waits(graph, 1 + static_cast<int>(seed) % count);
    expect_sound(drawing);
    const std::string svg = wait_graph_svg(drawing, "x");
    EXPECT_LT(svg.size(), 200'000U) << seed;
  }
}

TEST(WaitGraphSvg, SaysInWordsWhatColoursSay) {
  WaitGraph graph = graph_of(2, {{2, 1}});
  graph.nodes[0].unresponsive = true;
  graph.nodes[0].cannot_run = true;
  graph.nodes[0].state = "is stopped";
  graph.edges[0].inferred = true;
  const std::string svg = wait_graph_svg(lay_out_waits(graph, 2), "1 backend waits");
  for (const char* words :
       {R"(role="img" aria-label="1 backend waits")",
        "pid 1, hung<",
        ">stopped<",
        "pid 2, this one<",
        ">lock?<",
        "class=\"box hung stopped end\""})
    EXPECT_NE(svg.find(words), std::string::npos) << words << " in " << svg;
}

}  // namespace
}  // namespace pghang
