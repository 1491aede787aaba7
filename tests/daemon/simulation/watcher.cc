#include "tests/daemon/simulation/watcher.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <gtest/gtest.h>

namespace pghang::escalation::simulation {

namespace {

using std::chrono::hours;
using std::chrono::minutes;

/// By what the crowd is made of.
bool untouchable(const Activity& row) {
  return row.application_name == "pghangd" || row.application_name == "pg_dump" ||
         row.backend_type != "client backend" || row.superuser || row.leader_pid ||
         row.wait_event == "SyncRep" || row.query.find("Concurrently") != std::string::npos;
}

bool shows(const Activity& row, const Guard& guard) {
  const bool idle = row.state->substr(0, 4) == "idle";
  return row.key == guard.backend && row.xact_start == guard.xact_start &&
         row.state == guard.state && guard.check_state_change == idle &&
         guard.check_query_start == !idle &&
         (idle ? row.state_change == guard.state_change : row.query_start == guard.query_start);
}

Duration grace_of(const Rule& rule, SignalKind kind) {
  return kind == SignalKind::cancel ? rule.cancel_grace : rule.terminate_grace;
}

}  // namespace

Watcher::Watcher(const Settings& settings) : settings_(settings) {}

const Rule& Watcher::rule_of(const Judged& judged) const {
  return *std::ranges::find(settings_.rules, judged.rule, &Rule::name);
}

void Watcher::polled(
    const ActivitySnapshot& snapshot,
    const Crowd& crowd,
    const Tracker& tracker,
    const Orders& orders,
    TimePoint now
) {
  latest_ = snapshot;
  sessions_ = 0;
  for (const StateCount& count : snapshot.counts)
    sessions_ += static_cast<std::uint64_t>(count.sessions);
  under_way_ = 0;
  unresponsive_ = 0;
  std::map<SightingId, Judged> still;
  for (const SightingState* state : tracker.sightings()) {
    const auto before = judged_.find(state->id);
    Judged judged;
    if (before != judged_.end()) {
      judged = before->second;
    } else {
      judged.serial = crowd.serial_of(state->activity.key.pid);
      judged.rule = state->rule_name;
    }
    if (judged.cancel_accepted || judged.terminate_accepted) ++under_way_;
    if (state->stage == Stage::unresponsive) ++unresponsive_;
    still.emplace(state->id, std::move(judged));
  }
  judged_ = std::move(still);
  seen_.most_unresponsive = std::max(seen_.most_unresponsive, static_cast<int>(unresponsive_));
  look_at_breakers(snapshot, tracker, orders, now);
  in_flight_.clear();
  for (const SignalOrder& order : orders.signals)
    ordered(order, now);
  told(orders);
}

void Watcher::look_at_breakers(
    const ActivitySnapshot& /*snapshot*/,
    const Tracker& tracker,
    const Orders& orders,
    TimePoint now
) {
  std::map<std::string, std::uint64_t> matches;
  for (const SightingState* state : tracker.sightings()) {
    if (state->stage != Stage::watching && !state->exemption) ++matches[state->rule_name];
  }
  std::size_t events = 0;
  for (const Rule& rule : settings_.rules) {
    if (rule.action == RuleAction::observe) continue;
    RuleBreaker& breaker = breakers_[rule.name];
    const std::uint64_t count = matches[rule.name];
    if (breaker.open) {
      if (count > breaker.high) {
        breaker.high = count;
        breaker.high_at = now;
      }
      if (now - breaker.high_at >= settings_.breaker.quiet) {
        breaker.open = false;
        breaker.past = {{now, count}};
        ++seen_.breakers_closed;
        ++events;
      }
    } else {
      std::erase_if(breaker.past, [&](const auto& one) {
        return now - one.first >= settings_.breaker.window;
      });
      if (breaker.past.empty()) breaker.past.emplace_back(now, breaker.last);
      const auto least = std::ranges::min_element(breaker.past, {}, [](const auto& one) {
                           return one.second;
                         })->second;
      breaker.past.emplace_back(now, count);
      const auto share = static_cast<double>(sessions_) * settings_.breaker.jump_percent / 100;
      if (count > least + settings_.breaker.jump &&
          static_cast<double>(count - least) >= std::floor(share) + 1) {
        breaker.open = true;
        breaker.high = count;
        breaker.high_at = now;
        ++seen_.breakers_opened;
        ++events;
      }
    }
    breaker.last = count;
    const auto real = tracker.safeguards().breakers().find(rule.name);
    ASSERT_NE(real, tracker.safeguards().breakers().end());
    EXPECT_EQ(real->second.open(), breaker.open) << rule.name << " matches " << count;
  }
  EXPECT_EQ(orders.breakers.size(), events);
}

void Watcher::breakers_reset(TimePoint now) {
  for (auto& [rule, breaker] : breakers_) {
    if (!breaker.open) continue;
    breaker.open = false;
    breaker.past = {{now, breaker.last}};
  }
}

void Watcher::ordered(const SignalOrder& order, TimePoint now) {
  ASSERT_TRUE(judged_.contains(order.id)) << "a signal for nothing that is watched";
  Judged& judged = judged_[order.id];
  const Rule& rule = rule_of(judged);
  EXPECT_TRUE(in_flight_.emplace(order.id, std::pair(order.kind, false)).second);
  EXPECT_FALSE(paused_) << "a signal while paused";
  EXPECT_FALSE(yields_) << "a signal while another daemon enforces";
  EXPECT_FALSE(breakers_[judged.rule].open) << "a signal while the breaker is open";
  EXPECT_NE(rule.action, RuleAction::observe);

  const auto row = std::ranges::find(latest_.rows, order.guard.backend, &Activity::key);
  ASSERT_NE(row, latest_.rows.end()) << "a signal to a backend that the poll does not have";
  EXPECT_TRUE(shows(*row, order.guard)) << "a guard that is not what the poll showed";
  EXPECT_FALSE(untouchable(*row)) << "a signal to an exempt backend: " << row->query << ", "
                                  << row->application_name.value_or("") << ", "
                                  << row->wait_event.value_or("");
  if (order.kind == SignalKind::terminate && row->state == "active") {
    EXPECT_TRUE(judged.cancel_accepted) << "a terminate without an accepted cancel";
  }
  EXPECT_FALSE(judged.lost) << "a signal after one that may have been sent";
  if (judged.answered) {
    EXPECT_GE(now - judged.answered->second, grace_of(rule, judged.answered->first))
        << "two signals within a grace";
  }
  if (const auto hit = hits_.find(judged.serial); hit != hits_.end()) {
    EXPECT_GE(now - hit->second.first, hit->second.second)
        << "two signals to one statement within a grace";
  }

  const BudgetSettings& budget = settings_.budget;
  EXPECT_LT(unresponsive_, budget.unresponsive) << "a signal though too many are unresponsive";
  if (!judged.cancel_accepted && !judged.terminate_accepted) {
    ++under_way_;
    EXPECT_LE(under_way_, std::max<std::uint64_t>(1, sessions_ * budget.share_percent / 100))
        << "too many of the sessions are signalled";
  }
  ordered_at_.push_back(now);
  const auto within = [&](auto length) {
    return std::ranges::count_if(ordered_at_, [&](TimePoint at) { return now - at < length; });
  };
  EXPECT_LE(within(minutes(1)), budget.actions_per_minute) << "over the budget of a minute";
  EXPECT_LE(within(hours(1)), budget.actions_per_hour) << "over the budget of an hour";
  for (const std::string& reason : judged.waited_for)
    ++seen_.overcome[reason];
}

void Watcher::sent(const SignalOrder& order, TimePoint /*now*/) {
  EXPECT_FALSE(paused_) << "a signal left while paused";
  EXPECT_FALSE(std::exchange(in_flight_.at(order.id).second, true)) << "one order sent twice";
}

void Watcher::delivered(const SignalOrder& order, const Delivery& delivery, TimePoint now) {
  if (delivery.answer == SignalAnswer::superseded) ++seen_.superseded;
  if (!delivery.hit) return;
  const Judged& judged = judged_.at(order.id);
  EXPECT_EQ(*delivery.hit, judged.serial)
      << to_string(order.kind) << " hit what the rule had not judged";
  hits_[*delivery.hit] = {now, grace_of(rule_of(judged), order.kind)};
  ++seen_.hits[order.kind];
}

void Watcher::answered(const SignalOrder& order, SignalAnswer answer, TimePoint now) {
  Judged& judged = judged_.at(order.id);
  judged.answered = {order.kind, now};
  judged.waited_for.clear();
  if (answer != SignalAnswer::accepted) return;
  (order.kind == SignalKind::cancel ? judged.cancel_accepted : judged.terminate_accepted) = true;
}

void Watcher::restarted(
    const Tracker& tracker,
    std::optional<SightingId> lost,
    bool same_boot,
    TimePoint now
) {
  in_flight_.clear();
  for (auto& [rule, breaker] : breakers_) {
    if (breaker.open) ++seen_.breakers_outlived;
    // What it was last may have been so until now; of another boot all may.
    if (!same_boot) breaker.high_at = now;
    for (auto& one : breaker.past)
      one.first = same_boot ? one.first : now;
    const bool empty =
        !breaker.open && breaker.last == 0 &&
        std::ranges::all_of(breaker.past, [](const auto& one) { return one.second == 0; });
    if (empty) {
      breaker.past.clear();
    } else if (!breaker.open) {
      breaker.past.emplace_back(now, breaker.last);
    }
  }
  // A sighting that nothing is left of may share its id with a later one.
  std::erase_if(judged_, [&](const auto& entry) { return tracker.find(entry.first) == nullptr; });
  for (auto& [id, judged] : judged_) {
    judged.waited_for.clear();
    if (id != lost) continue;
    judged.lost = true;
    ++seen_.lost;
  }
}

void Watcher::told(const Orders& orders) {
  for (const Suppression& suppression : orders.suppressions)
    suppressed(suppression);
}

void Watcher::suppressed(const Suppression& suppression) {
  ++seen_.suppressed[suppression.reason];
  const auto judged = judged_.find(suppression.id);
  if (judged == judged_.end()) return;
  EXPECT_TRUE(judged->second.waited_for.insert(suppression.reason).second)
      << suppression.reason << " told twice of one signal";
}

}  // namespace pghang::escalation::simulation
