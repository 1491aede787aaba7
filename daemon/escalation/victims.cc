#include "daemon/escalation/victims.h"

#include <map>
#include <string>
#include <tuple>
#include <utility>

namespace pghang::escalation {

namespace {

using Value = std::optional<std::string>;
/// The rule, and the values of its group_by.
using Group = std::pair<std::size_t, std::vector<Value>>;

Value value_of(GroupColumn column, const Activity& row) {
  switch (column) {
    case GroupColumn::database: return row.database;
    case GroupColumn::user: return row.user;
    case GroupColumn::application_name: return row.application_name;
    case GroupColumn::client_addr: return row.local_client ? Value("local") : row.client_address;
    case GroupColumn::query_id:
      return row.query_id ? Value(std::to_string(*row.query_id)) : std::nullopt;
  }
  return std::nullopt;
}

Group group_of(std::size_t index, const Rule& rule, const Activity& row) {
  Group group{index, {}};
  for (const GroupColumn column : rule.group_by)
    group.second.push_back(value_of(column, row));
  return group;
}

/// Whether `a` is the rule's victim rather than `b`.
bool before(Victims victims, const Activity& a, const Activity& b) {
  if (a.query_start.has_value() != b.query_start.has_value()) return a.query_start.has_value();
  const auto age = [](const Activity& row) {
    return std::tuple(row.query_start, row.key.backend_start, row.key.pid);
  };
  return victims == Victims::oldest ? age(a) < age(b) : age(b) < age(a);
}

}  // namespace

std::vector<RowJudgement> judge_rows(
    const RuleMatcher& rules,
    const ActivitySnapshot& snapshot,
    const FactTable& facts,
    const std::function<bool(const Activity&, const Rule&)>& is_exempt
) {
  std::vector<RowJudgement> judged;
  judged.reserve(snapshot.rows.size());
  std::map<Group, const Activity*> victims;
  const auto is_candidate = [&](std::size_t index, const Activity& row) {
    const Rule& rule = rules.rules()[index];
    return rule.victims != Victims::all && !is_exempt(row, rule);
  };
  for (const Activity& row : snapshot.rows) {
    const auto rule = rules.match(row, circumstances_of(row, snapshot, facts));
    judged.push_back({.rule = rule, .spared_for = std::nullopt});
    if (!rule || !is_candidate(*rule, row)) continue;
    const Activity*& victim = victims[group_of(*rule, rules.rules()[*rule], row)];
    if (victim == nullptr || before(rules.rules()[*rule].victims, row, *victim)) victim = &row;
  }
  for (std::size_t i = 0; i < judged.size() && !victims.empty(); ++i) {
    const Activity& row = snapshot.rows[i];
    const auto rule = judged[i].rule;
    if (!rule || !is_candidate(*rule, row)) continue;
    const Activity* victim = victims.at(group_of(*rule, rules.rules()[*rule], row));
    if (victim->key != row.key) judged[i].spared_for = victim->key;
  }
  return judged;
}

}  // namespace pghang::escalation
