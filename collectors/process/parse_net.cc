#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "collectors/process/parse_text.h"
#include "collectors/process/parsers.h"

namespace pghang {
namespace {

constexpr std::size_t kWordDigits = 8;
constexpr int kHexadecimal = 16;

/// `0100007F`: the bytes of an address in groups of four, each printed as a number of this host.
template <std::size_t N>
std::optional<std::array<std::uint32_t, N>> address_words(std::string_view hex) {
  std::array<std::uint32_t, N> words{};
  for (std::size_t i = 0; i < N; ++i) {
    const std::string_view digits = hex.substr(i * kWordDigits, kWordDigits);
    const auto word = to_number<std::uint32_t>(digits, kHexadecimal);
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
  const auto port = to_number<std::uint16_t>(field.substr(colon + 1), kHexadecimal);
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

}  // namespace

std::optional<InetSocket> parse_inet_socket(std::string_view line) {
  // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ...
  std::array<std::string_view, 10> fields;
  for (std::string_view& field : fields)
    field = take_word(line);
  InetSocket socket;
  socket.local = address_text(fields[1]);
  socket.remote = address_text(fields[2]);
  socket.inode = fields[9];
  const auto state = to_number<std::uint32_t>(fields[3], kHexadecimal);
  const std::size_t colon = fields[4].find(':');
  if (!state || colon == std::string_view::npos) return std::nullopt;
  const auto sent = to_number<std::uint64_t>(fields[4].substr(0, colon), kHexadecimal);
  const auto received = to_number<std::uint64_t>(fields[4].substr(colon + 1), kHexadecimal);
  if (socket.local.empty() || socket.remote.empty() || socket.inode.empty() || !sent || !received)
    return std::nullopt;
  socket.state = *state;
  socket.send_queue = *sent;
  socket.receive_queue = *received;
  return socket;
}

std::optional<UnixSocket> parse_unix_socket(std::string_view line) {
  // Num: RefCount Protocol Flags Type St Inode [Path]
  std::array<std::string_view, 7> fields;
  for (std::string_view& field : fields)
    field = take_word(line);
  const auto flags = to_number<std::uint32_t>(fields[3], kHexadecimal);
  if (!fields[0].ends_with(':') || !flags || !to_number<std::uint64_t>(fields[6]))
    return std::nullopt;
  constexpr std::uint32_t accepts_connections = 1U << 16U;  // __SO_ACCEPTCON of linux/net.h
  UnixSocket socket;
  socket.inode = fields[6];
  socket.listens = (*flags & accepts_connections) != 0;
  if (line.starts_with(' ')) socket.path = line.substr(1);
  return socket;
}

}  // namespace pghang
