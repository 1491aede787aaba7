#include "exporters/pages/svg_wait_graph.h"

#include <initializer_list>
#include <utility>

#include "diagnosis/wait_builder.h"
#include "exporters/pages/page.h"
#include "exporters/text.h"

namespace pghang {
namespace {

using Box = WaitDrawing::Box;
using Line = WaitDrawing::Line;

/// Characters that fit at the sizes of assets/page.css.
constexpr std::size_t kTitleRoom = 28;
constexpr std::size_t kTextRoom = 37;
constexpr std::size_t kEdgeRoom = 17;

/// Cut behind a character, never within one.
std::string cut(const std::string& words, std::size_t room) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(words[i]) & 0xC0U) != 0x80U;
    if (begins && ++count > room) return words.substr(0, i) + "…";
  }
  return words;
}

std::string numbers(std::initializer_list<std::pair<const char*, int>> attributes) {
  std::string text;
  for (const auto& [name, value] : attributes)
    text += std::string(" ") + name + "=\"" + std::to_string(value) + "\"";
  return text;
}

std::string text_at(int x, int y, const char* kind, const std::string& words) {
  return "<text" + numbers({{"x", x}, {"y", y}}) + " class=\"" + kind + "\">" +
         html_escaped(words) + "</text>";
}

std::string title_of(const Box& box) {
  return wait_subject(*box.node) + (box.reported ? ", this one" : "") +
         (box.node->unresponsive ? ", hung" : "");
}

std::string state_words(const WaitNode& node) {
  if (node.state.starts_with("is ")) return node.state.substr(3);
  if (!node.state.empty()) return node.state;
  return node.waiters > 0 ? counted(node.waiters, "backend waits", "backends wait") + " behind it"
                          : "";
}

std::string box_class(const Box& box) {
  std::string kind = "box";
  if (box.node->unresponsive) kind += " hung";
  if (box.node->cannot_run) kind += " stopped";
  if (box.end) kind += " end";
  return kind;
}

std::string box_svg(const Box& box) {
  const int left = box.x + 10;
  if (box.node == nullptr)
    return "<g class=\"box more\">" +
           text_at(left, box.y + 36, "title", "and " + std::to_string(box.more) + " more") +
           "</g>\n";
  const WaitNode& node = *box.node;
  std::string svg = "<g class=\"" + box_class(box) + "\"><title>" +
                    html_escaped(wait_subject(node) + " " + node.name + " " + node.state) +
                    "</title><rect" +
                    numbers(
                        {{"x", box.x},
                         {"y", box.y},
                         {"width", kWaitBoxWidth},
                         {"height", kWaitBoxHeight},
                         {"rx", 5}}
                    ) +
                    "/>";
  svg += text_at(left, box.y + 20, "title", cut(title_of(box), kTitleRoom));
  const std::string second = node.kind == WaitNodeKind::backend ? node.name
                             : box.end                          ? "what all wait for"
                                                                : "";
  svg += text_at(left, box.y + 37, "text", cut(second, kTextRoom));
  svg += text_at(left, box.y + 54, "text", cut(state_words(node), kTextRoom));
  return svg + "</g>\n";
}

std::string edge_words(const WaitEdge& edge) {
  const std::string kind = spaced(to_string(edge.kind));
  return edge.inferred ? kind + "?" : kind;
}

/// From the left side of who waits to the right side of what it waits for; within a column, or back
/// to the right, around the right side of both.
std::string path_of(const Box& from, const Box& to) {
  const int from_y = from.y + kWaitBoxHeight / 2;
  const int to_x = to.x + kWaitBoxWidth;
  const int to_y = to.y + kWaitBoxHeight / 2;
  const auto point = [](int x, int y) {
    return std::to_string(x) + " " + std::to_string(y);
  };
  if (from.x > to.x) {
    const int half = (from.x - to_x) / 2;
    return "M" + point(from.x, from_y) + " C" + point(from.x - half, from_y) + " " +
           point(to_x + half, to_y) + " " + point(to_x + 3, to_y);
  }
  const int from_x = from.x + kWaitBoxWidth;
  return "M" + point(from_x, from_y) + " C" + point(from_x + 50, from_y - 14) + " " +
         point(to_x + 50, to_y + 14) + " " + point(to_x + 3, to_y + 6);
}

std::string line_svg(const WaitDrawing& drawing, const Line& line) {
  const Box& from = drawing.boxes[line.from];
  const Box& to = drawing.boxes[line.to];
  const bool suspected = line.edge->inferred || line.edge->kind == WaitEdgeKind::lwlock_suspect;
  std::string svg = "<g class=\"wait" + std::string(suspected ? " suspected" : "") + "\"><title>" +
                    html_escaped(spaced(to_string(line.edge->kind)) + " " + line.edge->detail) +
                    "</title><path d=\"" + path_of(from, to) + "\" marker-end=\"url(#arrow)\"/>";
  return svg + "</g>\n";
}

/// Beside who waits, over all lines.
std::string label_svg(const WaitDrawing& drawing, const Line& line) {
  const Box& from = drawing.boxes[line.from];
  if (from.x <= drawing.boxes[line.to].x) return {};
  const std::string words = cut(edge_words(*line.edge), kEdgeRoom);
  return text_at(from.x - 8, from.y + kWaitBoxHeight / 2 - 5, "edge", words) + "\n";
}

}  // namespace

std::string wait_graph_svg(const WaitDrawing& drawing, const std::string& name) {
  if (drawing.boxes.empty()) return {};
  const std::string size = std::to_string(drawing.width) + " " + std::to_string(drawing.height);
  std::string svg = R"(<svg class="waits" role="img" aria-label=")" + html_escaped(name) + "\"" +
                    numbers({{"width", drawing.width}, {"height", drawing.height}}) +
                    " viewBox=\"0 0 " + size +
                    "\">\n<defs><marker id=\"arrow\" markerWidth=\"9\" markerHeight=\"8\" "
                    "refX=\"8\" refY=\"4\" orient=\"auto\"><path d=\"M0 0 L9 4 L0 8 z\"/>"
                    "</marker></defs>\n";
  for (const Line& line : drawing.lines)
    svg += line_svg(drawing, line);
  for (const Line& line : drawing.lines)
    svg += label_svg(drawing, line);
  for (const Box& box : drawing.boxes)
    svg += box_svg(box);
  return svg + "</svg>\n";
}

}  // namespace pghang
