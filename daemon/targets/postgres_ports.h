#pragma once

#include "collectors/postgres/activity_collector.h"
#include "collectors/postgres/connection.h"
#include "daemon/targets/ports.h"

namespace pghang {

/// Polls over a connection that it opens again when it was lost. The connection outlives it.
class PostgresActivitySource final : public ActivitySource {
 public:
  PostgresActivitySource(Connection& connection, Polling polling, ActivityFilter filter);

  [[nodiscard]] boost::asio::awaitable<Result<ActivitySnapshot>> poll() override;

  /// After a reload.
  void configure(Polling polling, ActivityFilter filter);

 private:
  Connection& connection_;
  Polling polling_;
  ActivityFilter filter_;
};

/// pg_locks, pg_blocking_pids() and pg_prepared_xacts, over the same connection.
class PostgresLockSource final : public LockSource {
 public:
  PostgresLockSource(Connection& connection, Duration timeout);

  [[nodiscard]] boost::asio::awaitable<Result<LockSnapshot>> locks(std::vector<pid_t> first
  ) override;

 private:
  Connection& connection_;
  Duration timeout_;
};

/// pg_cancel_backend and pg_terminate_backend behind the guard, over the same connection.
class PostgresSignaller final : public Signaller {
 public:
  PostgresSignaller(Connection& connection, Duration timeout);

  [[nodiscard]] boost::asio::awaitable<SignalReply> send(escalation::SignalOrder order) override;

 private:
  Connection& connection_;
  Duration timeout_;
};

/// The guarded statement for one kind of signal.
[[nodiscard]] std::string signal_sql(escalation::SignalKind kind);

}  // namespace pghang
