#include "daemon/targets/escalation_memory.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <utility>

#include "collectors/evidence/archive.h"
#include "daemon/chronicle/incident_store.h"
#include "diagnosis/query_text.h"

namespace pghang {
namespace {

using escalation::SavedSighting;

/// How it looked last, and when it was last captured, is not worth a write with each poll.
bool worth_keeping(const SavedSighting& kept, const SavedSighting& now) {
  if (kept.guard != now.guard || kept.rule != now.rule || kept.refused != now.refused) return true;
  escalation::SavedMachine machine = kept.machine;
  machine.captured_at = now.machine.captured_at;
  return machine != now.machine;
}

/// When a breaker's numbers were last seen changes with each poll, and is not worth a write.
escalation::SavedSafeguards without_times(escalation::SavedSafeguards safeguards) {
  for (escalation::SavedBreaker& breaker : safeguards.breakers) {
    for (escalation::SavedCount& count : breaker.past)
      count.at = {};
  }
  return safeguards;
}

bool of_this_boot(const StoredEscalation& row, const std::string& boot) {
  return row.boot == boot && !boot.empty();
}

}  // namespace

EscalationMemory::EscalationMemory(std::string target, IncidentStore& store, IncidentOf incident_of)
    : target_(std::move(target)),
      store_(store),
      incident_of_(std::move(incident_of)),
      boot_(boot_id()) {}

void EscalationMemory::keep(
    const escalation::Tracker& tracker,
    const std::optional<ServerInfo>& server,
    const std::set<escalation::SightingId>& sending,
    escalation::TimePoint at
) {
  keep_safeguards(tracker.safeguards().saved(at));
  if (!server) return store_.flush();
  std::set<escalation::SightingId> there;
  for (SavedSighting& now : tracker.saved()) {
    there.insert(now.id);
    if (!sending.contains(now.id)) now.machine.under_way.reset();
    const auto kept = kept_.find(now.id);
    if (kept != kept_.end() && !worth_keeping(kept->second, now)) continue;
    now.activity.query = mask_query(now.activity.query);
    StoredEscalation row;
    row.target = target_;
    row.sighting = now.id;
    row.incident = incident_of_(now.id);
    row.server = server->system_identifier;
    row.in_recovery = server->in_recovery;
    row.boot = boot_;
    archive::put(row.record, now);
    store_.put(std::move(row));
    kept_.insert_or_assign(now.id, std::move(now));
  }
  std::erase_if(kept_, [&](const auto& entry) {
    if (there.contains(entry.first)) return false;
    store_.erase_escalation(target_, entry.first);
    return true;
  });
  store_.flush();
}

void EscalationMemory::keep_safeguards(const escalation::SavedSafeguards& safeguards) {
  escalation::SavedSafeguards timeless = without_times(safeguards);
  if (kept_safeguards_ == timeless) return;
  kept_safeguards_ = std::move(timeless);
  if (safeguards == escalation::SavedSafeguards{}) {
    return store_.erase_escalation(target_, kSafeguardsRow);
  }
  store_.put(safeguards_row(target_, safeguards));
}

void EscalationMemory::took_up(const std::vector<StoredEscalation>& rows) {
  for (const StoredEscalation& row : rows) {
    SavedSighting saved;
    if (!archive::get(row.record, saved)) saved = {};
    kept_.insert_or_assign(row.sighting, std::move(saved));
  }
}

std::optional<SafeguardsTakenUp>
take_up_safeguards(const std::vector<StoredEscalation>& rows, const std::string& target) {
  const auto row = std::ranges::find_if(rows, [&](const StoredEscalation& one) {
    return one.target == target && one.sighting == kSafeguardsRow;
  });
  SafeguardsTakenUp taken;
  if (row == rows.end() || !archive::get(row->record, taken.saved)) return std::nullopt;
  taken.same_boot = of_this_boot(*row, boot_id());
  return taken;
}

StoredEscalation
safeguards_row(const std::string& target, const escalation::SavedSafeguards& safeguards) {
  StoredEscalation row;
  row.target = target;
  row.sighting = kSafeguardsRow;
  row.boot = boot_id();
  archive::put(row.record, safeguards);
  return row;
}

bool still_counts(const StoredEscalation& row, escalation::TimePoint now) {
  const auto taken = take_up_safeguards({row}, row.target);
  if (!taken) return false;
  escalation::Safeguards safeguards;
  const bool open = !safeguards.resume(taken->saved, taken->same_boot, now).empty();
  return open || !safeguards.saved(now).spent.empty();
}

std::vector<TakenUp> take_up(const std::vector<StoredEscalation>& rows, const ServerInfo& server) {
  const std::string boot = boot_id();
  std::vector<TakenUp> taken;
  for (const StoredEscalation& row : rows) {
    if (row.server != server.system_identifier || row.in_recovery != server.in_recovery) continue;
    TakenUp one;
    if (!archive::get(row.record, one.saved)) continue;
    one.saved.id = row.sighting;
    one.incident = row.incident;
    one.same_boot = of_this_boot(row, boot);
    taken.push_back(std::move(one));
  }
  return taken;
}

std::string boot_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

}  // namespace pghang
