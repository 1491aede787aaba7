#include <boost/json.hpp>

#include "exporters/json/json_text.h"
#include "exporters/json/json_values.h"

namespace pghang {
namespace {

namespace json = boost::json;

json::object node_object(const WaitNode& node) {
  return {
      {"id", json_string(node.id)},
      {"kind", to_string(node.kind)},
      {"pid", node.pid == 0 ? json::value() : json::value(node.pid)},
      {"host_pid", node.host_pid == 0 ? json::value() : json::value(node.host_pid)},
      {"name", json_string_or_null(node.name)},
      {"state", json_string_or_null(node.state)},
      {"unresponsive", node.unresponsive},
      {"waiters", node.waiters},
  };
}

json::object edge_object(const WaitEdge& edge) {
  return {
      {"from", json_string(edge.from)},
      {"to", json_string(edge.to)},
      {"kind", to_string(edge.kind)},
      {"detail", json_string_or_null(edge.detail)},
      {"inferred", edge.inferred},
  };
}

}  // namespace

json::array release_array(const std::vector<ReleaseStep>& steps) {
  json::array array;
  for (const ReleaseStep& step : steps) {
    array.push_back(json::object{
        {"step", json_string(step.step)},
        {"price", json_string_or_null(step.price)},
    });
  }
  return array;
}

json::value wait_graph_value(const WaitGraph* graph) {
  if (graph == nullptr) return nullptr;
  json::array nodes;
  for (const WaitNode& node : graph->nodes)
    nodes.emplace_back(node_object(node));
  json::array edges;
  for (const WaitEdge& edge : graph->edges)
    edges.emplace_back(edge_object(edge));
  json::array cycle;
  for (const std::string& id : graph->cycle)
    cycle.emplace_back(json_string(id));
  return json::object{
      {"nodes", std::move(nodes)},
      {"edges", std::move(edges)},
      {"root", json_string_or_null(graph->root)},
      {"cycle", std::move(cycle)},
      {"summary", json_string_or_null(graph->summary)},
      {"release", release_array(graph->release)},
      {"dropped", graph->dropped},
  };
}

}  // namespace pghang
