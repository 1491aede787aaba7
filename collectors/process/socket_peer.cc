#include "collectors/process/socket_peer.h"

#include <array>
#include <utility>

#include "collectors/process/parse_text.h"

namespace pghang {
namespace {

/// A line has 150 bytes: some 200,000 connections.
constexpr std::size_t kMaxTable = 32U << 20U;
constexpr std::uint32_t kEstablished = 1;
constexpr std::uint32_t kListen = 10;
constexpr std::string_view kLinkStart = "socket:[";

std::string link_of(std::string_view inode) {
  return std::string(kLinkStart) + std::string(inode) + ']';
}

template <typename Wanted>
std::optional<InetSocket> find_line(std::string_view table, Wanted wanted) {
  while (!table.empty()) {
    auto socket = parse_inet_socket(take_line(table));
    if (socket && wanted(*socket)) return socket;
  }
  return std::nullopt;
}

/// include/net/tcp_states.h, from 1 on.
constexpr std::array<std::string_view, 12> kTcpStates{
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
    "NEW_SYN_RECV"};

std::string unix_state(const UnixDiag& diag) {
  if (diag.state == kListen) return "LISTEN";
  if (!diag.has_peer) return "unconnected";
  return diag.peer_inode == 0 ? "connected, not accepted yet" : "connected";
}

}  // namespace

std::string_view socket_inode(std::string_view link) {
  if (!link.starts_with(kLinkStart) || !link.ends_with(']')) return {};
  link.remove_prefix(kLinkStart.size());
  link.remove_suffix(1);
  return link;
}

std::optional<InetSocket> find_socket(std::string_view table, std::string_view inode) {
  return find_line(table, [inode](const InetSocket& socket) { return socket.inode == inode; });
}

std::optional<InetSocket>
find_socket_between(std::string_view table, std::string_view local, std::string_view remote) {
  return find_line(table, [&](const InetSocket& socket) {
    return socket.local == local && socket.remote == remote;
  });
}

std::string_view socket_state(std::string_view protocol, std::uint32_t state) {
  if (protocol == "udp") return state == kEstablished ? "connected" : "unconnected";
  return state == 0 || state > kTcpStates.size() ? "" : kTcpStates.at(state - 1);
}

const std::string& Sockets::table(const std::string& name) {
  const auto known = tables_.find(name);
  if (known != tables_.end()) return known->second;
  Result<std::string> text = proc_.read(pid_, "net/" + name, kMaxTable);
  return tables_.emplace(name, text ? *std::move(text) : std::string()).first->second;
}

const SockDiag* Sockets::diag() {
  if (!diag_) diag_ = SockDiag::open();
  return *diag_ ? &**diag_ : nullptr;
}

std::string Sockets::describe(FdTarget& target) {
  const std::string inode(socket_inode(target.target));
  if (inode.empty()) return {};
  if (auto peer = describe_unix(inode, target)) return *std::move(peer);
  for (const char* protocol : {"tcp", "udp"})
    if (auto peer = describe_inet(protocol, inode, target)) return *std::move(peer);
  return {};
}

std::optional<std::string> Sockets::describe_unix(std::string_view inode, FdTarget& target) {
  const auto number = to_number<std::uint32_t>(inode);
  if (number && diag() != nullptr) {
    if (const Result<UnixDiag> own = diag()->unix_socket(*number)) {
      target.protocol = "unix";
      target.local = own->name;
      target.state = unix_state(*own);
      target.queues = own->queues;
      if (own->peer_inode == 0) return "";
      if (const auto peer = diag()->unix_socket(own->peer_inode)) target.remote = peer->name;
      return link_of(std::to_string(own->peer_inode));
    }
  }
  std::string_view lines = table("unix");
  while (!lines.empty()) {
    auto socket = parse_unix_socket(take_line(lines));
    if (!socket || socket->inode != inode) continue;
    target.protocol = "unix";
    target.local = std::move(socket->path);
    target.state = socket->listens ? "LISTEN" : "other end not known: other network namespace";
    return "";
  }
  return std::nullopt;
}

std::optional<std::string>
Sockets::describe_inet(const char* protocol, std::string_view inode, FdTarget& target) {
  const std::array<std::string, 2> names{protocol, std::string(protocol) + '6'};
  for (const std::string& name : names) {
    const auto own = find_socket(table(name), inode);
    if (!own) continue;
    target.protocol = protocol;
    target.local = own->local;
    target.state = socket_state(protocol, own->state);
    target.queues = SocketQueues{own->receive_queue, own->send_queue};
    if (own->remote.ends_with(":0")) return "";
    target.remote = own->remote;
    // The other end of a connection to an IPv6 socket by IPv4 is in the other table.
    for (const std::string& other_name : names) {
      const auto other = find_socket_between(table(other_name), own->remote, own->local);
      if (other && other->inode != "0") return link_of(other->inode);
    }
    return "";
  }
  return std::nullopt;
}

}  // namespace pghang
