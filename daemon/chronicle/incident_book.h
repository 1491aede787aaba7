#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "config/settings.h"
#include "daemon/escalation/tracker.h"
#include "diagnosis/incident.h"

namespace pghang {

/// Keeps incidents in memory, newest first, bounded by count and size; open ones are never dropped.
/// Knows which sighting an incident belongs to. Pure: time is an argument.
class IncidentBook {
 public:
  /// `incidents` is the published list (View::incidents) and outlives the book.
  IncidentBook(std::deque<Incident>& incidents, Incidents limits);

  /// Opens an incident for a sighting that matched. `at_micros`: unix epoch.
  Incident& open(
      const std::string& target,
      const escalation::SightingState& sighting,
      std::int64_t at_micros
  );

  /// The open incident that was raised from /proc for the same process (pid and, within 3 s,
  /// start), now that a rule has matched it: it is the rule's from here on. Null when there is
  /// none.
  Incident* adopt(const std::string& target, const escalation::SightingState& sighting);

  /// The incident of a sighting, open or not yet forgotten; null when there is none.
  [[nodiscard]] Incident* find(const std::string& target, escalation::SightingId sighting);

  /// The incidents of a target belong to no sighting any more: its next ones are counted anew.
  void forget(const std::string& target);

  /// An incident of an earlier daemon, already in the list, goes on with that sighting.
  void adopt(const std::string& target, escalation::SightingId sighting, const std::string& id) {
    if (!id.empty()) ids_[{target, sighting}] = id;
  }

  void limit(Incidents limits) {
    limits_ = limits;
    trim();
  }

  /// Enforces the limits: resolved incidents go, oldest first.
  void trim();

 private:
  std::deque<Incident>& incidents_;
  Incidents limits_;
  std::map<std::pair<std::string, escalation::SightingId>, std::string> ids_;
};

/// `20261122T151203Z-4711`.
[[nodiscard]] std::string incident_id(std::int64_t at_micros, pid_t pid);

/// Roughly the memory an incident takes.
[[nodiscard]] std::uint64_t footprint_bytes(const Incident& incident);

}  // namespace pghang
