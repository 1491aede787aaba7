#include "exporters/incident_list.h"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace pghang {
namespace {

bool wanted(const std::string& filter, const std::string& value) {
  return filter.empty() || filter == value;
}

bool wanted(const std::string& filter, const std::optional<std::string>& value) {
  return filter.empty() || filter == value;
}

bool before(const IncidentPosition& position, const Incident& incident) {
  return std::tie(incident.opened_at_micros, incident.id) <
         std::tie(position.opened_at_micros, position.id);
}

bool newer(const Incident* one, const Incident* other) {
  return std::tie(one->opened_at_micros, one->id) > std::tie(other->opened_at_micros, other->id);
}

}  // namespace

bool holds(const IncidentFilter& filter, const Incident& incident) {
  const std::optional<std::string> fingerprint =
      incident.fingerprint ? std::optional(incident.fingerprint->stable) : std::nullopt;
  const Cause cause = incident.verdict ? incident.verdict->cause : Cause::unknown;
  if (filter.open && *filter.open != (incident.stage != Stage::resolved)) return false;
  if (filter.cause && *filter.cause != cause) return false;
  if (filter.gate && (!incident.verdict || *filter.gate != incident.verdict->gate)) return false;
  if (filter.since_micros && incident.resolved_at_micros &&
      *incident.resolved_at_micros < *filter.since_micros)
    return false;
  if (filter.until_micros && incident.opened_at_micros > *filter.until_micros) return false;
  return wanted(filter.target, incident.target) && wanted(filter.rule, incident.rule) &&
         wanted(filter.database, incident.activity.database) &&
         wanted(filter.user, incident.activity.user) && wanted(filter.fingerprint, fingerprint);
}

std::string cursor_of(const IncidentPosition& position) {
  return std::to_string(position.opened_at_micros) + '.' + position.id;
}

std::optional<IncidentPosition> position_of(std::string_view cursor) {
  const std::size_t dot = std::min(cursor.find('.'), cursor.size());
  IncidentPosition position;
  const char* const end = cursor.data() + dot;
  const auto [rest, failed] = std::from_chars(cursor.data(), end, position.opened_at_micros);
  if (failed != std::errc{} || rest != end || dot + 1 >= cursor.size()) return std::nullopt;
  position.id = cursor.substr(dot + 1);
  return position;
}

IncidentList list_incidents(
    const std::deque<Incident>& incidents,
    const IncidentFilter& filter,
    const IncidentPaging& paging
) {
  IncidentList list;
  for (const Incident& incident : incidents) {
    if (!holds(filter, incident)) continue;
    ++list.matching;
    if (!paging.after || before(*paging.after, incident)) list.incidents.push_back(&incident);
  }
  std::ranges::sort(list.incidents, newer);
  if (list.incidents.size() <= paging.limit) return list;
  list.incidents.resize(paging.limit);
  if (paging.limit > 0)
    list.next = {list.incidents.back()->opened_at_micros, list.incidents.back()->id};
  return list;
}

}  // namespace pghang
