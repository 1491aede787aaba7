#pragma once

#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "config/result.h"
#include "config/unique_fd.h"

namespace pghang {

/// Where to listen. `dual_stack`: an IPv6 wildcard that takes IPv4 too.
struct ListenAddress {
  boost::asio::ip::tcp::endpoint endpoint;
  bool dual_stack = false;
};

/// `127.0.0.1:80`, `[::1]:80`, `localhost:80` (127.0.0.1), `:80` (every address). Other names are
/// malformed: nothing here may ask DNS.
[[nodiscard]] Result<ListenAddress> parse_listen_address(const std::string& text);

/// Bound and listening, with SO_REUSEADDR so that a restart does not wait for old connections.
/// Errors: malformed, or io naming the address.
[[nodiscard]] Result<boost::asio::ip::tcp::acceptor>
open_acceptor(const boost::asio::any_io_executor& executor, const std::string& address);

/// A socket that is bound and listening already (systemd's); takes it over. Errors: malformed, when
/// it is none of TCP.
[[nodiscard]] Result<boost::asio::ip::tcp::acceptor>
adopt_acceptor(const boost::asio::any_io_executor& executor, UniqueFd socket);

/// Also of `::ffff:127.0.0.1`: what an IPv6 wildcard is called by over IPv4.
[[nodiscard]] bool is_loopback(const boost::asio::ip::address& address);

/// `127.0.0.1:80` or `[::1]:80`.
[[nodiscard]] std::string to_text(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace pghang
