#pragma once

#include <optional>

#include "collectors/evidence/activity.h"
#include "config/settings.h"

namespace pghang::escalation {

/// Why a matched backend is never signalled (DESIGN section 8). The spelling is a metric label.
enum class Exemption {
  own_session,      ///< application_name or pid is ours
  superuser,        ///< the session's role is superuser, unless the rule includes the user by name
  replication,      ///< walsender
  wraparound,       ///< autovacuum to prevent wraparound
  sync_rep,         ///< waits in SyncRep: a cancel would make its commit local-only
  not_client,       ///< not a client backend, unless the rule includes its backend_type
  parallel_worker,  ///< judged with its leader
};

[[nodiscard]] const char* to_string(Exemption exemption);

/// Pure. Replication, wraparound, sync_rep, own session and parallel workers are never lifted in
/// this version.
[[nodiscard]] std::optional<Exemption> exemption_of(const Activity& activity, const Rule& rule);

}  // namespace pghang::escalation
