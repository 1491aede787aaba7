#include "exporters/pages/wait_section.h"

#include <algorithm>

#include "diagnosis/report_waits.h"
#include "diagnosis/report_writer.h"
#include "diagnosis/server_pid.h"
#include "diagnosis/wait_builder.h"
#include "exporters/pages/page.h"
#include "exporters/pages/release_steps.h"
#include "exporters/pages/svg_wait_graph.h"
#include "exporters/text.h"

namespace pghang {
namespace {

/// As the server counts.
pid_t pid_of(const Incident& incident) {
  return incident.evidence ? server_pid(incident.evidence->capture) : incident.backend.pid;
}

/// The tree of the report, without its heading and what would free the end.
std::string tree_text(const WaitGraph& graph, pid_t reported) {
  ReportWriter out;
  WaitGraph tree = graph;
  tree.release.clear();
  write_waits(tree, reported, out);
  const std::string text = out.take();
  return text.substr(std::min(text.find('\n') + 1, text.size()));
}

std::string drawing_html(const WaitGraph& graph, pid_t reported) {
  const WaitDrawing drawing = lay_out_waits(graph, reported);
  if (drawing.boxes.empty()) return {};
  const std::string name = "Wait graph; as text below. " + graph.summary;
  std::string html = "<figure>\n" + scrolling("Wait graph", wait_graph_svg(drawing, name));
  html +=
      "<figcaption>An arrow leads from who waits to what it waits for; a thick frame is where the "
      "queue ends or what is hung, a dashed one cannot run.";
  if (drawing.left_out > 0)
    html += " Not drawn: " + counted(drawing.left_out, "other", "others") + ".";
  return html + "</figcaption>\n</figure>\n";
}

std::string holder_html(const WaitGraph& graph, pid_t reported) {
  const WaitNode* holder = wait_holder(graph);
  if (holder == nullptr || holder->pid == reported || graph.release.empty()) return {};
  return "<h3>What would free " + html_escaped(wait_subject(*holder)) + "</h3>\n" +
         release_steps_html(graph.release);
}

}  // namespace

std::string waits_html(const Incident& incident) {
  if (!incident.wait_graph) return {};
  const WaitGraph& graph = *incident.wait_graph;
  const pid_t reported = pid_of(incident);
  std::string html =
      graph.summary.empty() ? "" : "<p class=\"summary\">" + html_escaped(graph.summary) + "</p>\n";
  html += holder_html(graph, reported) + drawing_html(graph, reported);
  return html + "<details data-key=\"tree\">\n<summary>As text</summary>\n" +
         laid_out("Who waits for whom, as text", tree_text(graph, reported)) + "</details>\n";
}

std::size_t waiters_behind(const Incident& incident) {
  if (!incident.wait_graph) return 0;
  const pid_t pid = pid_of(incident);
  const auto found = std::ranges::find_if(incident.wait_graph->nodes, [pid](const WaitNode& node) {
    return node.kind == WaitNodeKind::backend && node.pid == pid;
  });
  return found == incident.wait_graph->nodes.end() ? 0 : found->waiters;
}

}  // namespace pghang
