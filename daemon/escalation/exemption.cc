#include "daemon/escalation/exemption.h"

#include <algorithm>
#include <string_view>

#include "daemon/escalation/compiled_pattern.h"

namespace pghang::escalation {

namespace {

bool is_parallel_worker(const Activity& activity) {
  return activity.backend_type == "parallel worker" ||
         (activity.leader_pid && *activity.leader_pid != activity.key.pid);
}

bool prevents_wraparound(const Activity& activity) {
  if (activity.backend_type != "autovacuum worker") return false;
  const std::string_view query = activity.query;
  return query.ends_with("(to prevent wraparound)") || !query.starts_with("autovacuum: ");
}

bool waits_in_sync_rep(const Activity& activity) {
  const CompiledPattern sync_rep({.text = "SyncRep", .is_regex = false}, true);
  return activity.wait_event && sync_rep.matches(*activity.wait_event) == true;
}

bool names_user(const Rule& rule, const Activity& activity) {
  return std::ranges::any_of(rule.match.user.include, [&](const Pattern& pattern) {
    return !pattern.is_regex && activity.user == pattern.text;
  });
}

bool includes_backend_type(const Rule& rule, const Activity& activity) {
  return std::ranges::any_of(rule.match.backend_type.include, [&](const Pattern& pattern) {
    return CompiledPattern(pattern, false).matches(activity.backend_type) == true;
  });
}

}  // namespace

const char* to_string(Exemption exemption) {
  switch (exemption) {
    case Exemption::own_session: return "own_session";
    case Exemption::superuser: return "superuser";
    case Exemption::replication: return "replication";
    case Exemption::wraparound: return "wraparound";
    case Exemption::sync_rep: return "sync_rep";
    case Exemption::not_client: return "not_client";
    case Exemption::parallel_worker: return "parallel_worker";
    case Exemption::protect_list: return "protected";
  }
  return "not_client";
}

std::optional<Exemption> exemption_of(const Activity& activity, const Rule& rule) {
  if (activity.application_name == "pghangd") return Exemption::own_session;
  if (is_parallel_worker(activity)) return Exemption::parallel_worker;
  if (activity.backend_type == "walsender") return Exemption::replication;
  if (prevents_wraparound(activity)) return Exemption::wraparound;
  if (waits_in_sync_rep(activity)) return Exemption::sync_rep;
  if (activity.superuser && !names_user(rule, activity)) return Exemption::superuser;
  if (activity.backend_type != "client backend" && !includes_backend_type(rule, activity)) {
    return Exemption::not_client;
  }
  return std::nullopt;
}

std::optional<Protected>
protection_of(const Activity& activity, const Rule& rule, const ProtectList& list) {
  if (const auto exemption = exemption_of(activity, rule)) return Protected{*exemption, ""};
  if (auto entry = list.protecting(activity)) {
    return Protected{Exemption::protect_list, *std::move(entry)};
  }
  return std::nullopt;
}

}  // namespace pghang::escalation
