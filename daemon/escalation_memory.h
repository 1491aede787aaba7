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

/// Keeps the escalations of one target in the store, and what its budget has spent: what changed
/// since the last time is put there.
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
      std::optional<escalation::SightingId> sending,
      escalation::TimePoint at
  );

  /// Everything is new to the store.
  void begin_anew() {
    kept_.clear();
    kept_budget_.reset();
  }

  /// The escalations that the last daemon left behind: in the store already, and removed from it
  /// unless they go on.
  void took_up(const std::vector<StoredEscalation>& rows);

 private:
  void keep_budget(const escalation::SavedBudget& budget, const ServerInfo& server);
  [[nodiscard]] StoredEscalation row_of(std::uint64_t sighting, const ServerInfo& server) const;

  std::string target_;
  IncidentStore& store_;
  IncidentOf incident_of_;
  std::string boot_;
  std::map<escalation::SightingId, escalation::SavedSighting> kept_;
  std::optional<escalation::SavedBudget> kept_budget_;  ///< nothing: who knows what is there
};

/// Stands for a target's budget among its escalations; no sighting has this id.
inline constexpr std::uint64_t kBudgetRow = 0;

/// An escalation that the last daemon left behind.
struct TakenUp {
  escalation::SavedSighting saved;
  std::string incident;  ///< its id; empty while it was only watched
  bool same_boot = false;
};

/// What the last daemon's budget had spent.
struct BudgetTakenUp {
  escalation::SavedBudget saved;
  bool same_boot = false;
};

/// Of whichever server answered then: the budget is its target's. Nothing where it spent nothing,
/// or that does not parse.
[[nodiscard]] std::optional<BudgetTakenUp>
take_up_budget(const std::vector<StoredEscalation>& rows, const std::string& target);

/// Of the server that answers now; nothing of another one, of another role, or that does not parse.
/// `rows`: without the budget's.
[[nodiscard]] std::vector<TakenUp>
take_up(const std::vector<StoredEscalation>& rows, const ServerInfo& server);

/// /proc/sys/kernel/random/boot_id
[[nodiscard]] std::string boot_id();

}  // namespace pghang
