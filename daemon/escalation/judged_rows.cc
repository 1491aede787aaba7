#include "daemon/escalation/judged_rows.h"

#include <vector>

#include "daemon/escalation/exemption.h"
#include "daemon/escalation/victims.h"

namespace pghang::escalation {

RowsByPid rows_by_pid(
    const ActivitySnapshot& snapshot,
    const RuleMatcher& rules,
    const FactTable& facts,
    const ProtectList& protect
) {
  const std::vector<RowJudgement> judged =
      judge_rows(rules, snapshot, facts, [&](const Activity& row, const Rule& rule) {
        return protection_of(row, rule, protect).has_value();
      });
  RowsByPid rows;
  for (std::size_t i = 0; i < judged.size(); ++i) {
    const Activity& row = snapshot.rows[i];
    rows.try_emplace(row.key.pid, JudgedRow{&row, judged[i].applies()});
  }
  return rows;
}

const JudgedRow* find_row(const RowsByPid& rows, const BackendKey& key) {
  const auto row = rows.find(key.pid);
  return row != rows.end() && row->second.activity->key == key ? &row->second : nullptr;
}

}  // namespace pghang::escalation
