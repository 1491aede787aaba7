#pragma once

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/escalation/tracker.h"
#include "tests/daemon/escalation/builders.h"

/// Short ways to say what a tracker test does and sees.
namespace pghang::escalation::testing {

inline Tracker tracker_of(std::vector<Rule> rules, Mode mode = Mode::enforce) {
  return {mode, seconds(10), RuleMatcher(std::move(rules))};
}

inline Tracker terminating() {
  return tracker_of({rule_of(RuleAction::terminate)});
}

/// The only signal of `orders`.
inline SignalOrder only_signal(const Orders& orders) {
  EXPECT_EQ(orders.signals.size(), 1U);
  return orders.signals.empty() ? SignalOrder{} : orders.signals.front();
}

/// The only stage change of `orders`.
inline StageChange only_change(const Orders& orders) {
  EXPECT_EQ(orders.changes.size(), 1U);
  return orders.changes.empty() ? StageChange{} : orders.changes.front();
}

inline Orders accept(Tracker& tracker, const SignalOrder& order, TimePoint now) {
  return tracker.signal_answered(order.id, order.kind, SignalAnswer::accepted, "", now);
}

}  // namespace pghang::escalation::testing
