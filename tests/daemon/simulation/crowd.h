#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "collectors/evidence/activity.h"
#include "daemon/escalation/signal.h"
#include "tests/daemon/escalation/fake_server.h"

namespace pghang::escalation::simulation {

using testing::Delivery;
using testing::Dice;

/// One of the crowd's sessions, as it really is.
struct Client {
  Activity row;  ///< ages are filled in by poll()
  bool alive = true;
  std::uint64_t serial = 0;  ///< of what it does now; never used twice
  bool obeys_cancel = true;
  bool obeys_terminate = true;
  std::int64_t next_event = 0;  ///< microseconds of the crowd's clock
};

/// A server with thousands of sessions: clients that come and go, poolers that hand a connection
/// from one to the next between two statements, backups, index builds, superusers, replication.
/// Statements are short or long, obey signals or not; commits come to wait for a standby in the
/// middle. Now and then a storm hangs many at once.
class Crowd {
 public:
  Crowd(std::uint64_t seed, std::size_t sessions);

  void advance(std::int64_t micros);
  [[nodiscard]] TimePoint now() const;
  /// As the poll brings it: rows of those that are not idle, counts of all.
  [[nodiscard]] ActivitySnapshot poll() const;
  /// Checks the guard as the statement does, against this very moment.
  [[nodiscard]] Delivery deliver(SignalKind kind, const Guard& guard);
  /// Many statements that run now stop getting on, for a while.
  void storm(std::size_t how_many);
  /// What the living backend with that pid does; 0 for none.
  [[nodiscard]] std::uint64_t serial_of(pid_t pid) const;

  [[nodiscard]] Dice& dice() { return dice_; }

 private:
  using Due = std::pair<std::int64_t, std::size_t>;

  void happen(Client& client);
  void connect(Client& client);
  void begin_statement(Client& client);
  void end_statement(Client& client);
  void change_state(Client& client, const char* state, std::int64_t lasts);
  void die(Client& client);
  void schedule(Client& client, std::int64_t at);
  [[nodiscard]] std::int64_t some_while();
  [[nodiscard]] std::size_t index_of(const Client& client) const;

  Dice dice_;
  std::int64_t micros_ = 1'000'000;
  std::uint64_t last_serial_ = 0;
  pid_t last_pid_ = 100;
  std::vector<Client> clients_;
  std::unordered_map<pid_t, std::size_t> by_pid_;  ///< living ones
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
};

}  // namespace pghang::escalation::simulation
