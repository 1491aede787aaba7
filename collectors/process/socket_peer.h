#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "collectors/evidence/process.h"
#include "collectors/process/procfs.h"

namespace pghang {

/// One line of /proc/PID/net/tcp or tcp6, addresses as `10.0.0.9:5432`, `[::1]:5432`.
struct TcpLine {
  std::string local;
  std::string remote;
  std::string inode;
};

/// The line of the socket with that inode, or the one between the two addresses; nothing when the
/// table has none, and where it does not parse.
[[nodiscard]] std::optional<TcpLine> tcp_line_of(std::string_view table, std::string_view inode);
[[nodiscard]] std::optional<TcpLine>
tcp_line_between(std::string_view table, std::string_view local, std::string_view remote);

/// Who is at the other end of a TCP socket of `pid` (`socket:[4711]`), in that process's network
/// namespace: the address, and the process where the other end is in the same namespace and may be
/// looked at. Nothing for sockets of other families.
[[nodiscard]] std::optional<RelatedProcess>
tcp_peer(const ProcFs& proc, pid_t pid, std::string_view link);

}  // namespace pghang
