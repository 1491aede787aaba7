#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "collectors/postgres/connection.h"

namespace pghang::tests {

/// A throwaway PostgreSQL cluster of scripts/cluster; removed with this object.
class Cluster {
 public:
  Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  ~Cluster();

  /// False when it could not be made; the script's words are on stderr.
  [[nodiscard]] bool running() const { return !values_.empty(); }

  /// A value that the script printed: DIR, PGDATA, PGHOST, PGPORT, PID, BINDIR.
  [[nodiscard]] const std::string& value(const std::string& key) const { return values_.at(key); }

  /// The postmaster of now, also after a restart.
  [[nodiscard]] pid_t postmaster() const;

  /// `pg_ctl ACTION`, waiting for it: `stop -m fast`, `start`, `restart`.
  [[nodiscard]] bool control(const std::string& action) const;

  /// `host=... port=... dbname=postgres user=...` over the UNIX socket.
  [[nodiscard]] std::string dsn(const std::string& user = "postgres") const;
  /// The same over 127.0.0.1.
  [[nodiscard]] std::string tcp_dsn(const std::string& user = "postgres") const;

 private:
  std::map<std::string, std::string> values_;
};

/// Runs a shell command; its exit status is 0.
[[nodiscard]] bool succeeds(const std::string& command);

}  // namespace pghang::tests
