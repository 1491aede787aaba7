#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collectors/evidence/activity.h"
#include "daemon/escalation/tracker.h"
#include "exporters/store/records.h"

namespace pghang {

class IncidentStore;

/// Keeps the escalations of one target in the store, what its budget has spent and how its breakers
/// stand: what changed since the last time is put there.
class EscalationMemory {
 public:
  /// The incident of a sighting; empty when there is none yet.
  using IncidentOf = std::function<std::string(escalation::SightingId)>;

  /// `store` outlives it.
  EscalationMemory(std::string target, IncidentStore& store, IncidentOf incident_of);

  /// After each step of the tracker. `server`: the one that has answered; without one there are no
  /// escalations yet. `sending`: whose signals are on their way to it; of any other one that was
  /// ordered the next daemon decides anew.
  void keep(
      const escalation::Tracker& tracker,
      const std::optional<ServerInfo>& server,
      const std::set<escalation::SightingId>& sending,
      escalation::TimePoint at
  );

  /// Everything is new to the store.
  void begin_anew() {
    kept_.clear();
    kept_safeguards_.reset();
  }

  /// The escalations that the last daemon left behind: in the store already, and removed from it
  /// unless they go on.
  void took_up(const std::vector<StoredEscalation>& rows);

 private:
  void keep_safeguards(const escalation::SavedSafeguards& safeguards);

  std::string target_;
  IncidentStore& store_;
  IncidentOf incident_of_;
  std::string boot_;
  std::map<escalation::SightingId, escalation::SavedSighting> kept_;
  /// Nothing: who knows what is there.
  std::optional<escalation::SavedSafeguards> kept_safeguards_;
};

/// Stands for a target's budget and breakers among its escalations; no sighting has this id.
inline constexpr std::uint64_t kSafeguardsRow = 0;

/// An escalation that the last daemon left behind.
struct TakenUp {
  escalation::SavedSighting saved;
  std::string incident;  ///< its id; empty while it was only watched
  bool same_boot = false;
};

/// How the budget and the breakers of the last daemon stood.
struct SafeguardsTakenUp {
  escalation::SavedSafeguards saved;
  bool same_boot = false;
};

/// Of whichever server answered then: they are their target's. Nothing where there is no such row,
/// or it does not parse.
[[nodiscard]] std::optional<SafeguardsTakenUp>
take_up_safeguards(const std::vector<StoredEscalation>& rows, const std::string& target);

/// That row, as of this boot.
[[nodiscard]] StoredEscalation
safeguards_row(const std::string& target, const escalation::SavedSafeguards& safeguards);

/// Whether a target that came back would be restrained by that row: a breaker is open, or something
/// was spent within the hour.
[[nodiscard]] bool still_counts(const StoredEscalation& row, escalation::TimePoint now);

/// Of the server that answers now; nothing of another one, of another role, or that does not parse.
/// `rows`: without the safeguards'.
[[nodiscard]] std::vector<TakenUp>
take_up(const std::vector<StoredEscalation>& rows, const ServerInfo& server);

/// /proc/sys/kernel/random/boot_id
[[nodiscard]] std::string boot_id();

}  // namespace pghang
