#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "collectors/evidence/activity.h"
#include "config/settings.h"
#include "daemon/escalation/signal.h"

/// Values that the tests of this folder start from.
namespace pghang::escalation::testing {

using std::chrono::seconds;

/// A moment of the test's clock.
inline TimePoint at(int second) {
  return TimePoint(seconds(1'000'000 + second));
}

inline PgTimestamp pg_time(int second) {
  return {second * std::int64_t{1'000'000}};
}

inline Pattern exact(std::string text) {
  return {.text = std::move(text), .is_regex = false};
}

inline Pattern regex(std::string text) {
  return {.text = std::move(text), .is_regex = true};
}

/// A client backend in the middle of a statement that began 100 s ago, in a transaction of 200 s.
inline Activity running(pid_t pid = 4711) {
  Activity activity;
  activity.key = {.pid = pid, .backend_start = pg_time(10)};
  activity.backend_type = "client backend";
  activity.database = "shop";
  activity.user = "app";
  activity.application_name = "web";
  activity.state = "active";
  activity.xact_start = pg_time(100);
  activity.query_start = pg_time(200);
  activity.state_change = pg_time(200);
  activity.xact_age = seconds(200);
  activity.query_age = seconds(100);
  activity.state_age = seconds(100);
  activity.query = "SELECT 1";
  return activity;
}

/// A client backend that waits for its client inside a transaction.
inline Activity idle_in_transaction(pid_t pid = 4711) {
  Activity activity = running(pid);
  activity.state = "idle in transaction";
  activity.state_change = pg_time(210);
  activity.wait_event_type = "Client";
  activity.wait_event = "ClientRead";
  return activity;
}

/// The same backend, one statement later.
inline Activity next_statement(Activity activity) {
  activity.xact_start = pg_time(300);
  activity.query_start = pg_time(300);
  activity.state_change = pg_time(300);
  return activity;
}

inline ActivitySnapshot poll_of(std::vector<Activity> rows) {
  ActivitySnapshot snapshot;
  snapshot.rows = std::move(rows);
  return snapshot;
}

/// Matches every client backend at once. Graces: 30 s after a cancel, 60 s after a terminate.
inline Rule rule_of(RuleAction action) {
  Rule rule;
  rule.name = "stuck";
  rule.action = action;
  rule.cancel_grace = seconds(30);
  rule.terminate_grace = seconds(60);
  return rule;
}

}  // namespace pghang::escalation::testing
