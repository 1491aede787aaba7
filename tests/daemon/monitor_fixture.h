#pragma once

#include <vector>

#include <gtest/gtest.h>

#include "daemon/chronicle/chronicle.h"
#include "daemon/service/logger.h"
#include "daemon/targets/target_monitor.h"
#include "tests/daemon/run_awaitable.h"
#include "tests/fakes/fake_server.h"

namespace pghang::tests {

inline constexpr BackendKey kStuck{4711, PgTimestamp{1000}};

/// Matches enforcing() at once.
inline Activity active(BackendKey key) {
  Activity row;
  row.key = key;
  row.backend_type = "client backend";
  row.state = "active";
  row.user = "app";
  row.xact_start = PgTimestamp{2000};
  row.query_start = PgTimestamp{2000};
  row.state_change = PgTimestamp{2000};
  row.query_age = Micros(60'000'000);
  row.query = "SELECT 'secret'";
  return row;
}

inline Settings enforcing() {
  Settings settings = default_settings();
  settings.mode = Mode::enforce;
  Rule rule;
  rule.name = "stuck";
  rule.match.state.include = {Pattern{"active", false}};
  rule.match.query_age = Duration(1000);
  rule.action = RuleAction::terminate;
  rule.cancel_grace = Duration(0);
  rule.terminate_grace = Duration(0);
  settings.rules = {rule};
  return settings;
}

/// A monitor over a fake server; time passes between polls because graces are zero.
class Monitor : public ::testing::Test {
 protected:
  fakes::FakeServer server_;
  View view_;
  Metrics metrics_{"test"};
  Logger log_{LogLevel::error, LogFormat::logfmt};
  Chronicle chronicle_{view_, metrics_, log_, Incidents{}, [] {
                         return std::int64_t{1'000'000};
                       }};
  std::vector<escalation::CaptureOrder> captures_;
  TargetMonitor monitor_{
      "main",
      enforcing(),
      server_,
      server_,
      server_,
      chronicle_,
      [this](const escalation::CaptureOrder& order) {
        captures_.push_back(order);
      }};

  void poll() { run(monitor_.poll_once()); }

  [[nodiscard]] const Incident& incident() const { return view_.incidents.front(); }
};

}  // namespace pghang::tests
