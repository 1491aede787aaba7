#pragma once

#include <functional>
#include <string>
#include <vector>

#include "collectors/postgres/connect_options.h"

namespace pghang {

/// One place to connect to. libpq tries them in order.
struct HostEntry {
  std::string host;     ///< name, address, or the folder of a UNIX socket; empty: libpq's default
  std::string address;  ///< numeric; empty: not resolved, or a UNIX socket
  std::string port;     ///< empty: libpq's default

  friend bool operator==(const HostEntry&, const HostEntry&) = default;
};

/// Numeric addresses of a host name, in the order to try them. Error: disconnected.
using Resolver = std::function<Result<std::vector<std::string>>(const std::string& name)>;

/// The entries of `host`, `hostaddr` and `port`, which are comma-separated lists in libpq. Empty
/// when their lengths do not agree: libpq then explains it.
[[nodiscard]] std::vector<HostEntry> host_entries(const ConnectOptions& options);

/// Gives every entry that is a host name its addresses; a name with two addresses becomes two
/// entries. A name that does not resolve is left out, unless none does: then that is the error.
[[nodiscard]] Result<std::vector<HostEntry>>
resolve(const std::vector<HostEntry>& entries, const Resolver& resolver);

/// Writes the entries back, so that libpq has nothing left to resolve. `host` stays: certificates
/// and the passfile go by it.
void set_host_entries(ConnectOptions& options, const std::vector<HostEntry>& entries);

/// getaddrinfo(3). Blocks.
[[nodiscard]] Result<std::vector<std::string>> system_resolver(const std::string& name);

}  // namespace pghang
