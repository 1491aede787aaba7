#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/result.h"

namespace pghang {

/// Where clients connect from: a block of addresses, or the host's own UNIX sockets.
struct Network {
  enum class Family {
    local,  ///< a UNIX socket; the rest is unused
    v4,     ///< 4 bytes
    v6,     ///< 16 bytes
  };

  Family family = Family::local;
  std::array<std::uint8_t, 16> address{};  ///< network byte order; what is not used is 0
  unsigned prefix = 0;                     ///< its leading bits that count

  friend bool operator==(const Network&, const Network&) = default;
};

/// `local`, `10.1.2.3`, `10.0.0.0/8`, `::1`, `2001:db8::/32`. Bits beyond the prefix must be zero,
/// as PostgreSQL's cidr has it. The error says what is wrong with the text.
[[nodiscard]] Result<Network> parse_network(std::string_view text);

/// As parse_network() reads it back.
[[nodiscard]] std::string to_string(const Network& network);

/// Whether all of `inner` is in `outer`. An IPv4 address and its IPv6 form (`::ffff:10.0.0.1`) are
/// the same.
[[nodiscard]] bool contains(const Network& outer, const Network& inner);

}  // namespace pghang
