#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "collectors/evidence/syscall.h"
#include "config/result.h"
#include "config/unique_fd.h"

namespace pghang {

/// What the kernel tells of a UNIX socket by its number (sock_diag(7)).
struct UnixDiag {
  std::uint8_t type = 0;         ///< SOCK_STREAM, ...
  std::uint8_t state = 0;        ///< as of TCP: 1 connected, 7 not, 10 listening
  std::uint32_t peer_inode = 0;  ///< 0: no other end, or one that was not accepted yet
  bool has_peer = false;
  std::string name;  ///< its path; `@` first for an abstract name; empty where it has none
  std::optional<SocketQueues> queues;

  friend bool operator==(const UnixDiag&, const UnixDiag&) = default;
};

/// One answer of the kernel, a netlink message. Errors: not_found (no such socket in this network
/// namespace), permission_denied, malformed, io.
[[nodiscard]] Result<UnixDiag> parse_unix_diag(std::string_view message);

/// A connection to the kernel's sock_diag. It sees the sockets of the network namespace that this
/// process is in, and needs no capability.
class SockDiag {
 public:
  /// Errors: unsupported where the kernel has none, io.
  [[nodiscard]] static Result<SockDiag> open();

  /// Errors: those of parse_unix_diag(); timeout after 100 ms.
  [[nodiscard]] Result<UnixDiag> unix_socket(std::uint32_t inode) const;

 private:
  explicit SockDiag(UniqueFd socket) : socket_(std::move(socket)) {}

  UniqueFd socket_;
};

}  // namespace pghang
