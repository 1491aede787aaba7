#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "collectors/postgres/connection.h"
#include "daemon/targets/ports.h"

namespace pghang {

/// The advisory lock that the enforcing daemon of a server holds: pg_advisory_lock(int4, int4).
inline constexpr std::int32_t kEnforcerLockClass = 1885825121;  ///< `pgha` in ASCII
inline constexpr std::int32_t kEnforcerLockObject = 1;

/// That lock over the connection that the poll uses; it ends with that. An advisory lock belongs to
/// a database, so a daemon that connects to another one is looked for in pg_locks, where all are:
/// who finds one lets go. Of two that ask at the same moment each may do so; they ask again.
class PostgresEnforcerLock final : public EnforcerLock {
 public:
  PostgresEnforcerLock(Connection& connection, Duration timeout);

  [[nodiscard]] boost::asio::awaitable<LockAnswer> take() override;
  [[nodiscard]] boost::asio::awaitable<void> release() override;

 private:
  Connection& connection_;
  Duration timeout_;
  std::uint64_t held_in_ = 0;  ///< Connection::sessions() when it was taken; 0: not held
};

/// Who holds the lock, besides this session: `pid 4711 (pghangd, 10.0.0.5)`; nothing: nobody.
[[nodiscard]] boost::asio::awaitable<Result<std::optional<std::string>>>
enforcer_lock_holder(Connection& connection, Deadline deadline);

}  // namespace pghang
