#include "exporters/pages/matched_groups.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "exporters/pages/wait_section.h"

namespace pghang {
namespace {

/// What makes two backends one case.
std::string place_of(const BackendView& backend, const Incident* incident) {
  if (incident == nullptr) return "exempt " + backend.exemption + ' ' + backend.rule;
  if (!incident->verdict) return "undiagnosed " + incident->capture_error;
  std::string place = to_string(incident->verdict->cause);
  if (incident->fingerprint) place += ' ' + incident->fingerprint->stable;
  return place;
}

auto rank(const MatchedBackend& one) {
  return std::pair(one.backend->stage, one.backend->matched_seconds);
}

void add(MatchedGroup& group, const MatchedBackend& one) {
  group.behind = std::max(group.behind, one.behind);
  group.backends.push_back(one);
}

}  // namespace

std::vector<MatchedGroup> matched_groups(const View& view) {
  std::map<std::string_view, const Incident*> incidents;
  for (const Incident& incident : view.incidents)
    incidents.emplace(incident.id, &incident);
  std::map<std::string, MatchedGroup> groups;
  for (const TargetView& target : view.targets) {
    for (const BackendView& backend : target.backends) {
      if (backend.stage == Stage::watching) continue;
      const auto found = incidents.find(backend.incident_id);
      const Incident* incident = found == incidents.end() ? nullptr : found->second;
      const bool hung = backend.stage == Stage::unresponsive;
      std::string key = target.name + (hung ? " hung " : " matched ") + place_of(backend, incident);
      MatchedGroup& group = groups[key];
      group.key = std::move(key);
      group.target = &target;
      group.hung = hung;
      add(group, {&backend, incident, incident == nullptr ? 0 : waiters_behind(*incident)});
    }
  }
  std::vector<MatchedGroup> sorted;
  for (auto& [key, group] : groups) {
    std::ranges::stable_sort(group.backends, std::ranges::greater{}, rank);
    sorted.push_back(std::move(group));
  }
  std::ranges::stable_sort(sorted, std::ranges::greater{}, [](const MatchedGroup& group) {
    return std::tuple(group.hung, group.behind, rank(group.backends.front()));
  });
  return sorted;
}

}  // namespace pghang
