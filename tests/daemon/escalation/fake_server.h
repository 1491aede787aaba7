#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "collectors/evidence/activity.h"
#include "daemon/escalation/signal.h"

namespace pghang::escalation::testing {

/// Seeded randomness, the same on every machine.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  [[nodiscard]] bool chance(double probability);
  /// Both ends included.
  [[nodiscard]] std::int64_t between(std::int64_t low, std::int64_t high);

 private:
  std::mt19937_64 engine_;
};

/// One backend as it really is.
struct FakeSession {
  Activity row;  ///< ages are filled in by snapshot()
  bool alive = true;
  /// Never equal for two statements, or two idle periods, of any backends: what a guard must not
  /// confuse.
  std::uint64_t serial = 0;
  bool obeys_cancel = true;
  bool obeys_terminate = true;
  bool terminate_pending = false;
  std::int64_t next_event = 0;  ///< microseconds of the server's clock
};

/// What became of a signal: what the caller is told, and what really happened.
struct Delivery {
  SignalAnswer answer = SignalAnswer::unknown;
  std::optional<std::uint64_t> hit;  ///< serial of what was signalled; nothing: no signal was sent
};

/// A server with a dozen backends of all kinds that run statements short and long, idle, end,
/// and are followed by others under the same pid. They obey signals or not; answers get lost.
class FakeServer {
 public:
  explicit FakeServer(std::uint64_t seed);

  void advance(std::int64_t micros);
  [[nodiscard]] TimePoint now() const;
  [[nodiscard]] ActivitySnapshot snapshot() const;
  /// Checks the guard as the SQL statement does, against this very moment.
  [[nodiscard]] Delivery deliver(SignalKind kind, const Guard& guard);
  /// Another DBA signals a random backend.
  void somebody_signals();
  /// The living backend with that pid.
  [[nodiscard]] const FakeSession* find(pid_t pid) const;

  [[nodiscard]] Dice& dice() { return dice_; }

 private:
  void happen(FakeSession& session);
  void connect(FakeSession& session);
  void begin_statement(FakeSession& session);
  void end_statement(FakeSession& session);
  void disconnect(FakeSession& session);
  void change_state(FakeSession& session, const std::string& state);
  void signal(FakeSession& session, SignalKind kind);
  [[nodiscard]] std::int64_t some_while();

  Dice dice_;
  std::int64_t micros_ = 1'000'000;
  std::uint64_t last_serial_ = 0;
  std::vector<FakeSession> sessions_;
};

}  // namespace pghang::escalation::testing
