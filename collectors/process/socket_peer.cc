#include "collectors/process/socket_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "collectors/process/parse_text.h"
#include "collectors/process/peer_scan.h"

namespace pghang {
namespace {

constexpr std::size_t kWordDigits = 8;

/// `0100007F`: the bytes of an address in groups of four, each printed as a number of this host.
template <std::size_t N>
std::optional<std::array<std::uint32_t, N>> address_words(std::string_view hex) {
  std::array<std::uint32_t, N> words{};
  for (std::size_t i = 0; i < N; ++i) {
    const auto word = to_number<std::uint32_t>(hex.substr(i * kWordDigits, kWordDigits), 16);
    if (!word) return std::nullopt;
    words.at(i) = *word;
  }
  return words;
}

std::string ipv4_text(const std::array<std::uint32_t, 1>& words) {
  std::array<char, INET_ADDRSTRLEN> text{};
  return ::inet_ntop(AF_INET, words.data(), text.data(), text.size());
}

/// An IPv4 address that a socket of IPv6 speaks to is written as one.
std::string ipv6_text(const std::array<std::uint32_t, 4>& words) {
  in6_addr address{};
  std::memcpy(&address, words.data(), sizeof address);
  if (IN6_IS_ADDR_V4MAPPED(&address) != 0) return ipv4_text({words[3]});
  std::array<char, INET6_ADDRSTRLEN> text{};
  return std::string("[") + ::inet_ntop(AF_INET6, &address, text.data(), text.size()) + "]";
}

/// `0100007F:1F90`; empty where it does not parse.
std::string address_text(std::string_view field) {
  const std::size_t colon = field.find(':');
  if (colon == std::string_view::npos) return {};
  const auto port = to_number<std::uint16_t>(field.substr(colon + 1), 16);
  if (!port) return {};
  const std::string_view hex = field.substr(0, colon);
  std::string text;
  if (hex.size() == kWordDigits) {
    if (const auto words = address_words<1>(hex)) text = ipv4_text(*words);
  } else if (hex.size() == 4 * kWordDigits) {
    if (const auto words = address_words<4>(hex)) text = ipv6_text(*words);
  }
  return text.empty() ? text : text + ":" + std::to_string(*port);
}

/// Fields: sl local_address rem_address st tx:rx tr:tm->when retrnsmt uid timeout inode ...
std::optional<TcpLine> parse_line(std::string_view line) {
  constexpr std::size_t inode_field = 9;
  std::array<std::string_view, inode_field + 1> fields;
  for (std::string_view& field : fields)
    field = take_word(line);
  TcpLine parsed{address_text(fields[1]), address_text(fields[2]), std::string(fields.back())};
  if (parsed.local.empty() || parsed.remote.empty() || parsed.inode.empty()) return std::nullopt;
  return parsed;
}

template <typename Wanted>
std::optional<TcpLine> find_line(std::string_view table, Wanted wanted) {
  while (!table.empty()) {
    auto line = parse_line(take_line(table));
    if (line && wanted(*line)) return line;
  }
  return std::nullopt;
}

/// The process at the other end of a connection within this host.
std::optional<RelatedProcess>
local_peer(const ProcFs& proc, pid_t pid, std::string_view table, const TcpLine& own) {
  const auto other = tcp_line_between(table, own.remote, own.local);
  if (!other || other->inode == "0") return std::nullopt;
  const PeerScan scan = find_peers(proc, {"socket:[" + other->inode + "]", pid, -1});
  if (scan.peers.empty()) return std::nullopt;
  return scan.peers.front();
}

}  // namespace

std::optional<TcpLine> tcp_line_of(std::string_view table, std::string_view inode) {
  return find_line(table, [inode](const TcpLine& line) { return line.inode == inode; });
}

std::optional<TcpLine>
tcp_line_between(std::string_view table, std::string_view local, std::string_view remote) {
  return find_line(table, [&](const TcpLine& line) {
    return line.local == local && line.remote == remote;
  });
}

std::optional<RelatedProcess> tcp_peer(const ProcFs& proc, pid_t pid, std::string_view link) {
  constexpr std::string_view prefix = "socket:[";
  if (!link.starts_with(prefix) || !link.ends_with(']')) return std::nullopt;
  link.remove_prefix(prefix.size());
  link.remove_suffix(1);
  for (const char* table : {"net/tcp", "net/tcp6"}) {
    const Result<std::string> text = proc.read(pid, table);
    if (!text) continue;
    const auto own = tcp_line_of(*text, link);
    if (!own) continue;
    RelatedProcess peer = local_peer(proc, pid, *text, *own).value_or(RelatedProcess{});
    peer.address = own->remote;
    return peer;
  }
  return std::nullopt;
}

}  // namespace pghang
