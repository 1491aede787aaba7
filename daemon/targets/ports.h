#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "collectors/evidence/activity.h"
#include "collectors/evidence/locks.h"
#include "config/result.h"
#include "daemon/escalation/tracker.h"

/// What a monitor asks of a server. Real: daemon/targets/postgres_ports.h; tests:
/// tests/fakes/fake_server.h.
namespace pghang {

/// Port: the poll.
class ActivitySource {
 public:
  ActivitySource() = default;
  ActivitySource(const ActivitySource&) = delete;
  ActivitySource& operator=(const ActivitySource&) = delete;
  virtual ~ActivitySource() = default;

  /// One poll, connecting first when there is no connection. Bounded by its own deadlines.
  [[nodiscard]] virtual boost::asio::awaitable<Result<ActivitySnapshot>> poll() = 0;
};

/// Port: who waits for whom by heavyweight locks.
class LockSource {
 public:
  LockSource() = default;
  LockSource(const LockSource&) = delete;
  LockSource& operator=(const LockSource&) = delete;
  virtual ~LockSource() = default;

  /// Over the connection that the poll uses, so never while that is under way. `first`: whom to ask
  /// about before all others. Bounded by its own deadline.
  [[nodiscard]] virtual boost::asio::awaitable<Result<LockSnapshot>> locks(std::vector<pid_t> first
  ) = 0;
};

/// What became of one signal.
struct SignalReply {
  escalation::SignalAnswer answer = escalation::SignalAnswer::unknown;
  std::string words;  ///< the server's own, when it refused; empty otherwise
  /// Upper bound of the time between the statement's view of pg_stat_activity and the signal: the
  /// window in which another statement can be hit. Taken by the server's clock.
  std::chrono::microseconds window{0};
  escalation::TimePoint answered_at{};  ///< when the answer had come
};

/// Port: cancel and terminate.
class Signaller {
 public:
  Signaller() = default;
  Signaller(const Signaller&) = delete;
  Signaller& operator=(const Signaller&) = delete;
  virtual ~Signaller() = default;

  /// Sends one signal if its guard still holds, in one autocommit statement. Bounded.
  [[nodiscard]] virtual boost::asio::awaitable<SignalReply> send(escalation::SignalOrder order) = 0;
};

/// What came of asking for the right to signal.
struct LockAnswer {
  bool ours = false;
  std::string holder{};  ///< who has it, or why that is not known; empty when it is ours
};

/// Port: the lock that makes one of several daemons the one that signals.
class EnforcerLock {
 public:
  EnforcerLock() = default;
  EnforcerLock(const EnforcerLock&) = delete;
  EnforcerLock& operator=(const EnforcerLock&) = delete;
  virtual ~EnforcerLock() = default;

  /// Takes it if it is free, keeps it if it is ours; never waits for it. Cheap in the latter case.
  [[nodiscard]] virtual boost::asio::awaitable<LockAnswer> take() = 0;
  [[nodiscard]] virtual boost::asio::awaitable<void> release() = 0;
};

}  // namespace pghang
