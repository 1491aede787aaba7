#include "exporters/fingerprints.h"

#include <algorithm>
#include <map>
#include <utility>

#include <boost/json.hpp>

#include "exporters/json/json_text.h"
#include "exporters/json/json_values.h"
#include "exporters/metrics/view_gauges.h"
#include "exporters/text.h"

namespace pghang {
namespace {

namespace json = boost::json;

void insert_sorted(std::vector<std::string>& list, std::string value) {
  const auto at = std::ranges::lower_bound(list, value);
  if (at == list.end() || *at != value) list.insert(at, std::move(value));
}

void add(FingerprintGroup& group, const Incident& incident) {
  if (group.incidents.empty()) {
    group.id = incident.fingerprint->stable;
    group.text = incident.fingerprint->text;
    group.algorithm = incident.fingerprint->algorithm;
  }
  if (group.signature.empty() && incident.verdict && incident.verdict->signature)
    group.signature = incident.verdict->signature->id;
  if (incident.stage != Stage::resolved) ++group.backends;
  insert_sorted(group.targets, incident.target);
  insert_sorted(group.causes, cause_label(incident));
  group.incidents.push_back(&incident);
}

std::int64_t latest(const FingerprintGroup& group) {
  return group.incidents.front()->opened_at_micros;
}

void sort(std::vector<FingerprintGroup>& groups, FingerprintOrder order) {
  std::ranges::stable_sort(groups, std::ranges::greater{}, [order](const FingerprintGroup& group) {
    switch (order) {
      case FingerprintOrder::backends: break;
      case FingerprintOrder::incidents: return static_cast<std::int64_t>(group.incidents.size());
      case FingerprintOrder::latest: return latest(group);
    }
    return static_cast<std::int64_t>(group.backends);
  });
}

json::array strings(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts)
    array.emplace_back(json_string(text));
  return array;
}

/// What the list and the single group have in common.
json::object head(const FingerprintGroup& group) {
  return {
      {"id", json_string(group.id)},
      {"text", json_string(group.text)},
      {"algorithm", group.algorithm},
      {"signature", json_string_or_null(group.signature)},
      {"backends", group.backends},
      {"targets", strings(group.targets)},
      {"causes", strings(group.causes)},
      {"latest_opened_at", rfc3339(latest(group))},
  };
}

}  // namespace

const char* to_string(FingerprintOrder order) {
  switch (order) {
    case FingerprintOrder::backends: return "backends";
    case FingerprintOrder::incidents: return "incidents";
    case FingerprintOrder::latest: return "latest";
  }
  return "backends";
}

std::vector<FingerprintGroup> fingerprint_groups(const View& view, const FingerprintsQuery& query) {
  std::map<std::string, FingerprintGroup> by_id;
  for (const Incident& incident : view.incidents)
    if (incident.fingerprint && holds(query.filter, incident))
      add(by_id[incident.fingerprint->stable], incident);
  std::vector<FingerprintGroup> groups;
  groups.reserve(by_id.size());
  for (auto& [id, group] : by_id)
    groups.push_back(std::move(group));
  sort(groups, query.order);
  return groups;
}

std::string fingerprints_json(const View& view, const FingerprintsQuery& query) {
  json::array groups;
  for (const FingerprintGroup& group : fingerprint_groups(view, query)) {
    json::object object = head(group);
    object["incidents"] = group.incidents.size();
    groups.emplace_back(std::move(object));
  }
  return json_text(json::object{{"schema_version", 1}, {"fingerprints", std::move(groups)}});
}

std::string fingerprint_json(const FingerprintGroup& group) {
  json::object object{{"schema_version", 1}};
  const json::object common = head(group);
  object.insert(common.begin(), common.end());
  json::array incidents;
  for (const Incident* incident : group.incidents)
    incidents.emplace_back(incident_summary_object(*incident));
  object["incidents"] = std::move(incidents);
  return json_text(object);
}

}  // namespace pghang
