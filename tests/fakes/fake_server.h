#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/targets/ports.h"

namespace pghang::fakes {

/// A server with memory behind its ports: `rows` is what is true now, a poll sees it, and a
/// signal's guard is checked against it at delivery, as the real statement does. Tests change
/// `rows` between the two.
class FakeServer final : public ActivitySource, public Signaller, public LockSource {
 public:
  std::vector<Activity> rows;
  std::vector<StateCount> counts;
  ServerInfo server{150020, "15.20", "7000000000000000001", false};
  std::optional<Error> poll_error;            ///< set: every poll fails with it
  std::optional<SignalReply> scripted_reply;  ///< set: signals are answered so, guard or not
  /// Runs between a poll's decision and the delivery of each signal.
  std::function<void()> before_delivery = [] {
  };

  /// Signals that reached a backend.
  std::vector<std::pair<escalation::SignalKind, BackendKey>> delivered;
  int asked = 0;  ///< signals that were sent, delivered or not

  [[nodiscard]] boost::asio::awaitable<Result<ActivitySnapshot>> poll() override {
    if (poll_error) co_return *poll_error;
    ActivitySnapshot snapshot;
    snapshot.server = server;
    snapshot.rows = rows;
    snapshot.counts = counts;
    co_return snapshot;
  }

  LockSnapshot lock_snapshot;                      ///< what locks() answers
  std::optional<Error> lock_error;                 ///< set: every locks() fails with it
  std::vector<std::vector<pid_t>> lock_questions;  ///< whom each locks() asked about first

  [[nodiscard]] boost::asio::awaitable<Result<LockSnapshot>> locks(std::vector<pid_t> first
  ) override {
    lock_questions.push_back(std::move(first));
    if (lock_error) co_return *lock_error;
    co_return lock_snapshot;
  }

  [[nodiscard]] boost::asio::awaitable<SignalReply> send(escalation::SignalOrder order) override {
    before_delivery();
    ++asked;
    if (scripted_reply) co_return *scripted_reply;
    const auto hit =
        std::ranges::find_if(rows, [&](const Activity& row) { return holds(order.guard, row); });
    if (hit == rows.end()) co_return SignalReply{escalation::SignalAnswer::superseded, "", {}};
    delivered.emplace_back(order.kind, hit->key);
    co_return SignalReply{escalation::SignalAnswer::accepted, "", std::chrono::microseconds(40)};
  }

 private:
  static bool holds(const escalation::Guard& guard, const Activity& row) {
    return row.key == guard.backend && row.xact_start == guard.xact_start &&
           (!guard.check_query_start || row.query_start == guard.query_start) &&
           (!guard.check_state_change || row.state_change == guard.state_change) &&
           row.state == guard.state;
  }
};

}  // namespace pghang::fakes
