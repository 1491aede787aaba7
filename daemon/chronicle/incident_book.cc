#include "daemon/chronicle/incident_book.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <set>
#include <string_view>

#include "daemon/escalation/process_guard.h"
#include "diagnosis/query_text.h"

namespace pghang {

std::string incident_id(std::int64_t at_micros, pid_t pid) {
  const std::time_t seconds = at_micros / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &utc);
  return std::string(text.data()) + '-' + std::to_string(pid);
}

std::uint64_t footprint_bytes(const Incident& incident) {
  std::uint64_t bytes = sizeof(Incident) + incident.activity.query.size();
  bytes += incident.timeline.size() * sizeof(TimelineEntry);
  if (incident.verdict) {
    bytes += incident.verdict->summary.size() + incident.verdict->detail.size();
  }
  if (incident.evidence) {
    const Capture& capture = incident.evidence->capture;
    for (const Frame& frame : capture.stack.frames) {
      bytes += sizeof(Frame) + frame.module.size() + frame.build_id.size() + frame.file.size() +
               frame.function.value_or("").size();
    }
    for (const std::string& line : capture.kernel_stack)
      bytes += line.size();
    bytes += capture.samples.size() * sizeof(Sample);
  }
  if (incident.wait_graph) {
    bytes += incident.wait_graph->nodes.size() * sizeof(WaitNode);
    bytes += incident.wait_graph->edges.size() * sizeof(WaitEdge);
  }
  return bytes;
}

IncidentBook::IncidentBook(std::deque<Incident>& incidents, Incidents limits)
    : incidents_(incidents),
      limits_(limits) {}

Incident& IncidentBook::open(
    const std::string& target,
    const escalation::SightingState& sighting,
    std::int64_t at_micros
) {
  const std::string base = incident_id(at_micros, sighting.activity.key.pid);
  const auto taken = [this](const std::string& id) {
    return std::ranges::any_of(incidents_, [&](const Incident& it) { return it.id == id; });
  };
  std::string id = base;
  for (int n = 2; taken(id); ++n)
    id = base + '-' + std::to_string(n);

  Incident& incident = incidents_.emplace_front();
  incident.id = id;
  incident.target = target;
  incident.rule = sighting.rule_name;
  incident.backend = sighting.activity.key;
  incident.opened_at_micros = at_micros;
  incident.activity = sighting.activity;
  incident.activity.query = mask_query(sighting.activity.query);
  incident.source = sighting.source;
  ids_[{target, sighting.id}] = id;
  return incident;
}

Incident*
IncidentBook::adopt(const std::string& target, const escalation::SightingState& sighting) {
  if (sighting.source == Source::os) return nullptr;
  const BackendKey& key = sighting.activity.key;
  const auto found = std::ranges::find_if(incidents_, [&](const Incident& incident) {
    const std::int64_t apart = incident.backend.backend_start.micros - key.backend_start.micros;
    return incident.source == Source::os && incident.stage != Stage::resolved &&
           incident.target == target && incident.backend.pid == key.pid &&
           std::llabs(apart) <= escalation::kSameStartMicros;
  });
  if (found == incidents_.end()) return nullptr;
  std::erase_if(ids_, [&](const auto& entry) { return entry.second == found->id; });
  ids_[{target, sighting.id}] = found->id;
  found->rule = sighting.rule_name;
  found->backend = key;
  return &*found;
}

Incident* IncidentBook::find(const std::string& target, escalation::SightingId sighting) {
  const auto id = ids_.find({target, sighting});
  if (id == ids_.end()) return nullptr;
  const auto found = std::ranges::find(incidents_, id->second, &Incident::id);
  return found == incidents_.end() ? nullptr : &*found;
}

void IncidentBook::forget(const std::string& target) {
  std::erase_if(ids_, [&](const auto& entry) { return entry.first.first == target; });
}

void IncidentBook::trim() {
  std::uint64_t bytes = 0;
  std::uint32_t kept = 0;
  std::erase_if(incidents_, [&](const Incident& incident) {
    bytes += footprint_bytes(incident);
    if (incident.stage != Stage::resolved) return false;
    return ++kept > limits_.keep || bytes > limits_.max_bytes;
  });
  std::set<std::string_view> kept_ids;
  for (const Incident& incident : incidents_)
    kept_ids.insert(incident.id);
  std::erase_if(ids_, [&](const auto& entry) { return !kept_ids.contains(entry.second); });
}

}  // namespace pghang
