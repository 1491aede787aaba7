#include "daemon/escalation_memory.h"

#include <fstream>
#include <set>
#include <utility>

#include "collectors/evidence/archive.h"
#include "daemon/incident_store.h"
#include "diagnosis/query_text.h"

namespace pghang {
namespace {

using escalation::SavedSighting;

/// How it looked last, and when it was last captured, is not worth a write with each poll.
bool worth_keeping(const SavedSighting& kept, const SavedSighting& now) {
  if (kept.guard != now.guard || kept.rule != now.rule) return true;
  escalation::SavedMachine machine = kept.machine;
  machine.captured_at = now.machine.captured_at;
  return machine != now.machine;
}

}  // namespace

EscalationMemory::EscalationMemory(std::string target, IncidentStore& store, IncidentOf incident_of)
    : target_(std::move(target)),
      store_(store),
      incident_of_(std::move(incident_of)),
      boot_(boot_id()) {}

void EscalationMemory::keep(
    const escalation::Tracker& tracker,
    const ServerInfo& server,
    std::optional<escalation::SightingId> sending
) {
  std::set<escalation::SightingId> there;
  for (SavedSighting& now : tracker.saved()) {
    there.insert(now.id);
    if (now.id != sending) now.machine.under_way.reset();
    const auto kept = kept_.find(now.id);
    if (kept != kept_.end() && !worth_keeping(kept->second, now)) continue;
    now.activity.query = mask_query(now.activity.query);
    StoredEscalation row;
    row.target = target_;
    row.sighting = now.id;
    row.incident = incident_of_(now.id);
    row.server = server.system_identifier;
    row.in_recovery = server.in_recovery;
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

void EscalationMemory::took_up(const std::vector<StoredEscalation>& rows) {
  for (const StoredEscalation& row : rows) {
    SavedSighting saved;
    if (!archive::get(row.record, saved)) saved = {};
    kept_.insert_or_assign(row.sighting, std::move(saved));
  }
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
    one.same_boot = row.boot == boot && !boot.empty();
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
