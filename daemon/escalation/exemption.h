#pragma once

#include <optional>
#include <string>

#include "collectors/evidence/activity.h"
#include "config/settings.h"
#include "daemon/escalation/protect_list.h"

namespace pghang::escalation {

/// Why a matched backend is never signalled (DESIGN section 8). The spelling is a metric label.
/// Saved by its number (saved_sighting.h): new ones go at the end.
enum class Exemption {
  own_session,      ///< application_name is ours; any client may call itself so, and is spared
  superuser,        ///< the session's role is superuser, unless the rule includes the user by name
  replication,      ///< walsender
  wraparound,       ///< autovacuum to prevent wraparound
  sync_rep,         ///< waits in SyncRep: a cancel would make its commit local-only
  not_client,       ///< not a client backend, unless the rule includes its backend_type
  parallel_worker,  ///< judged with its leader
  protect_list,     ///< an entry of `protect` says so; spelled `protected`
};

[[nodiscard]] const char* to_string(Exemption exemption);

/// Pure. The first that applies, in the order: own session, parallel worker, replication,
/// wraparound, sync_rep (none of these is ever lifted in this version), superuser, not_client.
/// Superuser is lifted where `rule.match.user.include` has the user as an exact pattern; not_client
/// where a pattern of `rule.match.backend_type.include` matches. An autovacuum worker whose query
/// text cannot be read (autovac_report_activity() in autovacuum.c writes it) counts as preventing
/// wraparound.
[[nodiscard]] std::optional<Exemption> exemption_of(const Activity& activity, const Rule& rule);

struct Protected {
  Exemption exemption = Exemption::protect_list;
  std::string entry;  ///< the name of the `protect` entry, where it is one
};

/// The same, and behind all of those the `protect` list, which no rule lifts.
[[nodiscard]] std::optional<Protected>
protection_of(const Activity& activity, const Rule& rule, const ProtectList& list);

}  // namespace pghang::escalation
