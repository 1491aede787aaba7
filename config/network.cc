#include "config/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace pghang {

namespace {

constexpr unsigned kMappedPrefix = 96;  // ::ffff:0:0/96, RFC 4291 section 2.5.5.2

Error malformed(std::string context) {
  return {.code = Errc::malformed, .context = std::move(context)};
}

unsigned longest_prefix(Network::Family family) {
  switch (family) {
    case Network::Family::local: return 0;
    case Network::Family::v4: return 32;
    case Network::Family::v6: return 128;
  }
  return 0;
}

std::optional<Network> parse_address(const std::string& text) {
  Network network;
  for (const auto family : {Network::Family::v4, Network::Family::v6}) {
    const int af = family == Network::Family::v4 ? AF_INET : AF_INET6;
    if (::inet_pton(af, text.c_str(), network.address.data()) != 1) continue;
    network.family = family;
    network.prefix = longest_prefix(family);
    return network;
  }
  return std::nullopt;
}

bool bit(const Network& network, unsigned index) {
  const unsigned byte = network.address.at(index / 8);
  return (byte >> (7 - index % 8) & 1U) != 0;
}

bool has_host_bits(const Network& network) {
  for (unsigned i = network.prefix; i < longest_prefix(network.family); ++i)
    if (bit(network, i)) return true;
  return false;
}

bool is_mapped(const Network& network) {
  if (network.family != Network::Family::v6 || network.prefix < kMappedPrefix) return false;
  const auto& bytes = network.address;
  return std::all_of(bytes.begin(), bytes.begin() + 10, [](std::uint8_t b) { return b == 0; }) &&
         bytes[10] == 0xFF && bytes[11] == 0xFF;
}

/// The IPv4 form of a mapped block; any other as it is.
Network unmapped(const Network& network) {
  if (!is_mapped(network)) return network;
  Network plain;
  plain.family = Network::Family::v4;
  std::copy(network.address.begin() + 12, network.address.end(), plain.address.begin());
  plain.prefix = network.prefix - kMappedPrefix;
  return plain;
}

}  // namespace

Result<Network> parse_network(std::string_view text) {
  if (text == "local") return Network{};
  const std::size_t slash = text.find('/');
  auto network = parse_address(std::string(text.substr(0, slash)));
  if (!network) return malformed("is neither `local` nor an IP address or block like 10.0.0.0/8");
  if (slash == std::string_view::npos) return *network;
  const std::string_view digits = text.substr(slash + 1);
  const auto [rest, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), network->prefix);
  const unsigned longest = longest_prefix(network->family);
  if (error != std::errc{} || rest != digits.data() + digits.size() || network->prefix > longest)
    return malformed("has no prefix length from 0 to " + std::to_string(longest));
  if (has_host_bits(*network)) return malformed("has bits set to the right of its prefix length");
  return *network;
}

std::string to_string(const Network& network) {
  if (network.family == Network::Family::local) return "local";
  const int af = network.family == Network::Family::v4 ? AF_INET : AF_INET6;
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(af, network.address.data(), text.data(), text.size());
  const std::string address = text.data();
  const bool single = network.prefix == longest_prefix(network.family);
  return single ? address : address + "/" + std::to_string(network.prefix);
}

bool contains(const Network& outer, const Network& inner) {
  const Network wide = unmapped(outer);
  const Network narrow = unmapped(inner);
  if (wide.family != narrow.family || narrow.prefix < wide.prefix) return false;
  for (unsigned i = 0; i < wide.prefix; ++i)
    if (bit(wide, i) != bit(narrow, i)) return false;
  return true;
}

}  // namespace pghang
