#include "daemon/escalation/circumstances.h"

namespace pghang::escalation {

Circumstances
circumstances_of(const Activity& row, const ActivitySnapshot& snapshot, const FactTable& facts) {
  Circumstances around{
      .at = snapshot.taken_at,
      .in_recovery = snapshot.server.in_recovery,
      .facts = {}};
  if (const auto known = facts.find(row.key); known != facts.end()) around.facts = known->second;
  return around;
}

}  // namespace pghang::escalation
