#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "collectors/process/argument_text.h"
#include "collectors/process/arguments.h"

namespace pghang::arguments {
namespace {

struct AddressBytes {
  std::array<std::byte, sizeof(sockaddr_storage)> bytes{};
  std::size_t size = 0;
};

/// The address as its family lays it out; the caller has checked that `from` is long enough.
template <typename T>
T as(const AddressBytes& from) {
  T address{};
  std::memcpy(&address, from.bytes.data(), std::min(sizeof address, from.size));
  return address;
}

std::string unix_text(const AddressBytes& from) {
  const auto address = as<sockaddr_un>(from);
  const std::size_t header = offsetof(sockaddr_un, sun_path);
  std::string_view name(std::begin(address.sun_path), std::min(from.size, sizeof address) - header);
  if (name.empty()) return "{sa_family=AF_UNIX}";
  const bool abstract = name.front() == '\0';
  if (abstract) {
    name.remove_prefix(1);
  } else {
    name = name.substr(0, name.find('\0'));
  }
  return std::string("{sa_family=AF_UNIX, sun_path=") + (abstract ? "@" : "") + quoted(name) + '}';
}

std::string ipv4_text(const AddressBytes& from) {
  const auto address = as<sockaddr_in>(from);
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  return "{sa_family=AF_INET, sin_port=htons(" + std::to_string(ntohs(address.sin_port)) +
         "), sin_addr=inet_addr(\"" + text.data() + "\")}";
}

std::string ipv6_text(const AddressBytes& from) {
  const auto address = as<sockaddr_in6>(from);
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
  return "{sa_family=AF_INET6, sin6_port=htons(" + std::to_string(ntohs(address.sin6_port)) +
         "), sin6_flowinfo=htonl(" + std::to_string(ntohl(address.sin6_flowinfo)) +
         "), inet_pton(AF_INET6, \"" + text.data() +
         "\", &sin6_addr), sin6_scope_id=" + std::to_string(address.sin6_scope_id) + '}';
}

}  // namespace

Text socket_address(const Call& call, std::size_t index) {
  const std::uint64_t at = call.arg(index);
  AddressBytes address;
  address.size = std::min<std::uint64_t>(call.arg(index + 1), address.bytes.size());
  if (at == 0 || address.size < sizeof(sa_family_t)) return address_text(at);
  const auto got = call.memory.read(at, std::span(address.bytes).first(address.size));
  if (!got || *got != address.size) return address_text(at);

  const auto family = as<sa_family_t>(address);
  if (family == AF_UNIX) return unix_text(address);
  if (family == AF_INET && address.size >= sizeof(sockaddr_in)) return ipv4_text(address);
  // The kernel takes it without the scope id, too (SIN6_LEN_RFC2133).
  if (family == AF_INET6 && address.size >= 24) return ipv6_text(address);
  return "{sa_family=" + std::to_string(family) + '}';
}

}  // namespace pghang::arguments
