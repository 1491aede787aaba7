#include "daemon/escalation/plain_criterion.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/units.h"

namespace pghang::escalation {

namespace {

using Age = std::optional<std::chrono::microseconds>;

bool old_enough(const std::optional<Duration>& wanted, const Age& age) {
  return !wanted || (age && std::chrono::floor<Duration>(*age) >= *wanted);
}

std::string age_text(const Age& age, const char* absent) {
  using std::chrono::seconds;
  if (!age) return absent;
  const bool coarse = *age >= seconds(1);
  return format_duration(
      coarse ? Duration(std::chrono::floor<seconds>(*age)) : std::chrono::floor<Duration>(*age)
  );
}

template <std::optional<Duration> Match::*Wanted, std::optional<Micros> Activity::*Column>
constexpr PlainCriterion age_of_row(const char* name) {
  return {
      name,
      [](const Rule& rule, const Activity& row, const Circumstances&) {
        return old_enough(rule.match.*Wanted, row.*Column);
      },
      [](const Rule& rule, const Activity& row, const Circumstances&) {
        return age_text(row.*Column, "NULL") + ", wanted " +
               format_duration((rule.match.*Wanted).value_or(Duration{0}));
      }};
}

template <std::optional<Duration> Match::*Wanted, std::optional<Duration> BackendFacts::*Fact>
constexpr PlainCriterion time_of_process(const char* name) {
  return {
      name,
      [](const Rule& rule, const Activity&, const Circumstances& around) {
        return old_enough(rule.match.*Wanted, around.facts.*Fact);
      },
      [](const Rule& rule, const Activity&, const Circumstances& around) {
        return age_text(around.facts.*Fact, "not known") + ", wanted " +
               format_duration((rule.match.*Wanted).value_or(Duration{0}));
      }};
}

template <typename T, typename Same>
bool admits(const Criterion<T>& criterion, const std::optional<T>& value, Same same) {
  const auto in = [&](const std::vector<T>& list) {
    return value && std::ranges::any_of(list, [&](const T& one) { return same(one, *value); });
  };
  return (criterion.include.empty() || in(criterion.include)) && !in(criterion.exclude);
}

/// `10.0.0.1, wanted 10.1.0.0/16 or local`, `local, excluded`.
template <typename T, typename Text>
std::string not_admitted(const Criterion<T>& criterion, const std::optional<T>& value, Text text) {
  std::string words = value ? text(*value) : "NULL";
  if (value && std::ranges::find(criterion.exclude, *value) != criterion.exclude.end())
    return words + ", excluded";
  const char* separator = ", wanted ";
  for (const T& one : criterion.include) {
    words += separator + text(one);
    separator = " or ";
  }
  separator = ", excluded by ";
  for (const T& one : criterion.exclude) {
    words += separator + text(one);
    separator = " or ";
  }
  return words;
}

std::optional<Network> client_of(const Activity& row) {
  if (row.local_client) return Network{};
  if (!row.client_address) return std::nullopt;
  const auto address = parse_network(*row.client_address);
  return address ? std::optional(*address) : std::nullopt;
}

bool client_holds(const Rule& rule, const Activity& row, const Circumstances& /*around*/) {
  const NetworkCriterion& wanted = rule.match.client_addr;
  return wanted.empty() || admits(wanted, client_of(row), contains);
}

std::string
client_mismatch(const Rule& rule, const Activity& row, const Circumstances& /*around*/) {
  return not_admitted(rule.match.client_addr, client_of(row), [](const Network& network) {
    return to_string(network);
  });
}

bool query_id_holds(const Rule& rule, const Activity& row, const Circumstances& /*around*/) {
  return admits(rule.match.query_id, row.query_id, std::equal_to<>());
}

std::string
query_id_mismatch(const Rule& rule, const Activity& row, const Circumstances& /*around*/) {
  return not_admitted(rule.match.query_id, row.query_id, [](std::int64_t id) {
    return std::to_string(id);
  });
}

bool xmin_holds(const Rule& rule, const Activity& row, const Circumstances& /*around*/) {
  const auto& over = rule.match.xmin_age_over;
  return !over || (row.xmin_age && *row.xmin_age > std::int64_t{*over});
}

std::string xmin_mismatch(const Rule& rule, const Activity& row, const Circumstances& /*around*/) {
  return (row.xmin_age ? std::to_string(*row.xmin_age) : "NULL") + ", wanted more than " +
         std::to_string(rule.match.xmin_age_over.value_or(0));
}

bool is_idle_in_transaction(const Activity& row) {
  return row.state == "idle in transaction" || row.state == "idle in transaction (aborted)";
}

bool idle_holds(const Rule& rule, const Activity& row, const Circumstances& /*around*/) {
  const auto& wanted = rule.match.idle_in_transaction;
  return !wanted || (is_idle_in_transaction(row) && old_enough(wanted, row.state_age));
}

std::string idle_mismatch(const Rule& rule, const Activity& row, const Circumstances& /*around*/) {
  const std::string is =
      is_idle_in_transaction(row) ? age_text(row.state_age, "NULL") : row.state.value_or("NULL");
  return is + ", wanted " + format_duration(rule.match.idle_in_transaction.value_or(Duration{0}));
}

bool recovery_holds(const Rule& rule, const Activity& /*row*/, const Circumstances& around) {
  return !rule.match.in_recovery || *rule.match.in_recovery == around.in_recovery;
}

std::string
recovery_mismatch(const Rule& rule, const Activity& /*row*/, const Circumstances& around) {
  const auto text = [](bool value) {
    return std::string(value ? "true" : "false");
  };
  return text(around.in_recovery) + ", wanted " + text(rule.match.in_recovery.value_or(false));
}

bool window_holds(const Rule& rule, const Activity& /*row*/, const Circumstances& around) {
  return rule.active.empty() || std::ranges::any_of(rule.active, [&](const TimeWindow& window) {
           return covers(window, unix_micros(around.at));
         });
}

std::string
window_mismatch(const Rule& rule, const Activity& /*row*/, const Circumstances& /*around*/) {
  std::string words;
  for (const TimeWindow& window : rule.active)
    words += (words.empty() ? "now is outside " : " and ") + to_string(window);
  return words;
}

bool blocking_holds(const Rule& rule, const Activity& /*row*/, const Circumstances& around) {
  const auto& wanted = rule.match.blocking_at_least;
  return !wanted || (around.facts.blocked_behind && *around.facts.blocked_behind >= *wanted);
}

std::string
blocking_mismatch(const Rule& rule, const Activity& /*row*/, const Circumstances& around) {
  const auto& known = around.facts.blocked_behind;
  return (known ? std::to_string(*known) : "not known") + ", wanted " +
         std::to_string(rule.match.blocking_at_least.value_or(0));
}

constexpr std::array kPlain{
    age_of_row<&Match::query_age, &Activity::query_age>("query_age"),
    age_of_row<&Match::transaction_age, &Activity::xact_age>("transaction_age"),
    age_of_row<&Match::state_age, &Activity::state_age>("state_age"),
    PlainCriterion{"client_addr", client_holds, client_mismatch},
    PlainCriterion{"query_id", query_id_holds, query_id_mismatch},
    PlainCriterion{"xmin_age_over", xmin_holds, xmin_mismatch},
    PlainCriterion{"idle_in_transaction", idle_holds, idle_mismatch},
    PlainCriterion{"in_recovery", recovery_holds, recovery_mismatch},
    PlainCriterion{"active", window_holds, window_mismatch},
};

constexpr std::array kCostly{
    PlainCriterion{"blocking_at_least", blocking_holds, blocking_mismatch},
    time_of_process<&Match::not_advancing, &BackendFacts::not_advancing_for>("not_advancing"),
    time_of_process<&Match::terminate_ignored_for, &BackendFacts::terminate_ignored_for>(
        "terminate_ignored_for"
    ),
};

}  // namespace

std::span<const PlainCriterion> plain_criteria() {
  return kPlain;
}

std::span<const PlainCriterion> costly_criteria() {
  return kCostly;
}

FactNeeds facts_for(const Match& match) {
  return {
      .locks = match.blocking_at_least.has_value(),
      .process = match.not_advancing.has_value() || match.terminate_ignored_for.has_value()};
}

}  // namespace pghang::escalation
