#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/activity.h"
#include "daemon/escalation/tracker.h"
#include "exporters/store/records.h"

namespace pghang {

class IncidentStore;

/// Keeps the escalations of one target in the store: what changed since the last time is put there.
class EscalationMemory {
 public:
  /// The incident of a sighting; empty when there is none yet.
  using IncidentOf = std::function<std::string(escalation::SightingId)>;

  /// `store` outlives it.
  EscalationMemory(std::string target, IncidentStore& store, IncidentOf incident_of);

  /// After each step of the tracker. `sending`: whose signal is on its way to the server; of any
  /// other one that was ordered the next daemon decides anew.
  void keep(
      const escalation::Tracker& tracker,
      const ServerInfo& server,
      std::optional<escalation::SightingId> sending
  );

  /// Everything is new to the store.
  void begin_anew() { kept_.clear(); }

  /// What the last daemon left behind: in the store already, and removed from it unless it goes on.
  void took_up(const std::vector<StoredEscalation>& rows);

 private:
  std::string target_;
  IncidentStore& store_;
  IncidentOf incident_of_;
  std::string boot_;
  std::map<escalation::SightingId, escalation::SavedSighting> kept_;
};

/// An escalation that the last daemon left behind.
struct TakenUp {
  escalation::SavedSighting saved;
  std::string incident;  ///< its id; empty while it was only watched
  bool same_boot = false;
};

/// Of the server that answers now; nothing of another one, of another role, or that does not parse.
[[nodiscard]] std::vector<TakenUp>
take_up(const std::vector<StoredEscalation>& rows, const ServerInfo& server);

/// /proc/sys/kernel/random/boot_id
[[nodiscard]] std::string boot_id();

}  // namespace pghang
