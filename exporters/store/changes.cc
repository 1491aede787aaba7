#include "exporters/store/changes.h"

#include <limits>

#include "collectors/evidence/archive.h"

namespace pghang {
namespace {

/// Of a row beside its record: keys, nodes of the map.
constexpr std::size_t kRowBytes = 256;

std::size_t size_of(const StoreChanges::IncidentRow& row) {
  return kRowBytes + row.record.size();
}

std::size_t size_of(const std::optional<StoredEscalation>& row) {
  return kRowBytes + (row ? row->record.size() : 0);
}

std::size_t size_of(const SignalRecord& row) {
  return kRowBytes + row.why.size() + row.words.size();
}

/// False when it was left out.
template <typename Map>
bool put_in(
    Map& map,
    const typename Map::key_type& key,
    typename Map::mapped_type&& row,
    std::size_t& bytes,
    std::size_t max_bytes
) {
  const auto old = map.find(key);
  const std::size_t freed = old == map.end() ? 0 : size_of(old->second);
  const std::size_t needed = size_of(row);
  if (needed > freed && bytes - freed + needed > max_bytes) return false;
  bytes = bytes - freed + needed;
  map.insert_or_assign(key, std::move(row));
  return true;
}

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

}  // namespace

std::string pack_incident(const Incident& incident) {
  std::string record;
  archive::put(record, incident);
  return record;
}

bool unpack_incident(std::string_view record, Incident& incident) {
  return archive::get(record, incident);
}

void StoreChanges::put(const Incident& incident) {
  IncidentRow row{
      .target = incident.target,
      .opened_micros = incident.opened_at_micros,
      .resolved_micros = incident.resolved_at_micros,
      .record = pack_incident(incident),
  };
  put_in(incidents_, incident.id, std::move(row), bytes_, kNoLimit);
}

void StoreChanges::put(StoredEscalation escalation) {
  const EscalationKey key{escalation.target, escalation.sighting};
  put_in(escalations_, key, std::optional(std::move(escalation)), bytes_, kNoLimit);
}

void StoreChanges::put(SignalRecord signal) {
  const SignalKey key{signal.incident, signal.at_micros, signal.signal};
  put_in(signals_, key, std::move(signal), bytes_, kNoLimit);
}

void StoreChanges::erase_escalation(const std::string& target, std::uint64_t sighting) {
  put_in(escalations_, {target, sighting}, std::optional<StoredEscalation>(), bytes_, kNoLimit);
}

std::size_t StoreChanges::add_newer(StoreChanges newer, std::size_t max_bytes) {
  std::size_t left_out = 0;
  const auto take = [&](auto& into, auto& from) {
    for (auto& [key, row] : from)
      left_out += put_in(into, key, std::move(row), bytes_, max_bytes) ? 0U : 1U;
  };
  // The small ones first: they tell what must not be sent again.
  take(escalations_, newer.escalations_);
  take(signals_, newer.signals_);
  take(incidents_, newer.incidents_);
  return left_out;
}

bool StoreChanges::empty() const {
  return incidents_.empty() && escalations_.empty() && signals_.empty();
}

}  // namespace pghang
