#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/evidence/syscall.h"
#include "collectors/process/parsers.h"
#include "collectors/process/procfs.h"
#include "collectors/process/sock_diag.h"

namespace pghang {

/// `4711` of `socket:[4711]`; empty for another link.
[[nodiscard]] std::string_view socket_inode(std::string_view link);

/// The socket with that inode, or the one between the two addresses; nothing when the table has
/// none, and where it does not parse.
[[nodiscard]] std::optional<InetSocket> find_socket(std::string_view table, std::string_view inode);
[[nodiscard]] std::optional<InetSocket>
find_socket_between(std::string_view table, std::string_view local, std::string_view remote);

/// `ESTABLISHED`, `LISTEN`, ...; of UDP `connected` and `unconnected`.
[[nodiscard]] std::string_view socket_state(std::string_view protocol, std::uint32_t state);

/// The sockets of one process: TCP and UDP by the tables of its own network namespace, each read
/// once; UNIX ones by sock_diag, which sees those of our namespace only.
class Sockets {
 public:
  Sockets(const ProcFs& proc, pid_t pid) : proc_(proc), pid_(pid) {}

  /// Fills protocol, addresses, state and queues of a descriptor of kind `socket`, as far as they
  /// can be told. Returns the link of the socket at the other end (`socket:[4712]`) where that is
  /// on this host, else nothing.
  [[nodiscard]] std::string describe(FdTarget& target);

 private:
  [[nodiscard]] const std::string& table(const std::string& name);
  [[nodiscard]] const SockDiag* diag();
  [[nodiscard]] std::optional<std::string> describe_unix(std::string_view inode, FdTarget& target);
  [[nodiscard]] std::optional<std::string>
  describe_inet(const char* protocol, std::string_view inode, FdTarget& target);

  const ProcFs& proc_;
  pid_t pid_;
  std::map<std::string, std::string> tables_;
  std::optional<Result<SockDiag>> diag_;
};

}  // namespace pghang
