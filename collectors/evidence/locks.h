#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/activity.h"

namespace pghang {

/// A heavyweight lock that a process waits for: its row of pg_locks that is not granted. A process
/// waits for one lock at a time.
struct LockWait {
  pid_t waiter = 0;
  /// pg_blocking_pids(waiter), sorted, each once; 0 stands for a prepared transaction. Absent where
  /// the limit left the server unasked; empty when the wait was over by then.
  std::optional<std::vector<pid_t>> blockers;
  /// The lock's tag, as one text: equal for everybody who waits for the same lock.
  std::string object;
  std::string lock_type;              ///< `relation`, `transactionid`, `tuple`, `advisory`, ...
  std::string mode;                   ///< `AccessShareLock`, ...
  std::string relation;               ///< `public.orders`; its oid in another database; else empty
  std::string database;               ///< of the lock; empty for one that belongs to none
  std::optional<Micros> waiting_for;  ///< since pg_locks.waitstart; 14 and later

  friend bool operator==(const LockWait&, const LockWait&) = default;
};

/// A row of pg_prepared_xacts: it holds locks and has no process at all.
struct PreparedTransaction {
  std::string gid;
  std::string owner;
  std::string database;
  Micros age{0};       ///< since PREPARE TRANSACTION
  std::string object;  ///< the lock (LockWait::object) of which it holds some mode

  friend bool operator==(const PreparedTransaction&, const PreparedTransaction&) = default;
};

/// Who waits for whom by heavyweight locks, at one moment.
struct LockSnapshot {
  std::int64_t waiters = 0;     ///< processes that wait for a lock; `waits` may have fewer of them
  std::vector<LockWait> waits;  ///< those with blockers first
  std::vector<PreparedTransaction> prepared;  ///< only those that somebody in `waits` waits for
  Micros server_time{0};                      ///< what finding it out cost the server

  friend bool operator==(const LockSnapshot&, const LockSnapshot&) = default;
};

}  // namespace pghang
