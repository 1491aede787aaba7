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

  /// The incident of a sighting, open or not yet forgotten; null when there is none.
  [[nodiscard]] Incident* find(const std::string& target, escalation::SightingId sighting);

  /// The incidents of a target belong to no sighting any more: its next ones are counted anew.
  void forget(const std::string& target);

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
