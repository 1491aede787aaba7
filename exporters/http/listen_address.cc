#include "exporters/http/listen_address.h"

#include <sys/socket.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>

namespace pghang {
namespace {

namespace ip = boost::asio::ip;

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

std::optional<ip::address> parse_host(const std::string& host) {
  if (host == "localhost") return ip::address_v4::loopback();
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  boost::system::error_code failed;
  if (bracketed) {
    const auto v6 = ip::make_address_v6(host.substr(1, host.size() - 2), failed);
    return failed ? std::nullopt : std::optional<ip::address>(v6);
  }
  const auto v4 = ip::make_address_v4(host, failed);
  return failed ? std::nullopt : std::optional<ip::address>(v4);
}

}  // namespace

Result<ListenAddress> parse_listen_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const auto malformed = [&](const char* why) {
    return Error{Errc::malformed, "listen address '" + text + "': " + why};
  };
  if (colon == std::string::npos) return malformed("no port; write host:port or :port");
  const auto port = parse_port(std::string_view(text).substr(colon + 1));
  if (!port) return malformed("the port is not a number from 0 to 65535");
  const std::string host = text.substr(0, colon);
  if (host.empty()) return ListenAddress{{ip::address_v6::any(), *port}, true};
  const auto address = parse_host(host);
  if (!address) return malformed("the host is not an IPv4 address, [IPv6 address] or localhost");
  return ListenAddress{{*address, *port}, false};
}

Result<ip::tcp::acceptor>
open_acceptor(const boost::asio::any_io_executor& executor, const std::string& address) {
  auto where = parse_listen_address(address);
  if (!where) return where.error();
  ip::tcp::acceptor acceptor(executor);
  boost::system::error_code failed;
  acceptor.open(where->endpoint.protocol(), failed);
  if (failed == boost::asio::error::address_family_not_supported && where->dual_stack) {
    where->endpoint = {ip::address_v4::any(), where->endpoint.port()};
    acceptor.open(where->endpoint.protocol(), failed);
  }
  if (!failed) acceptor.set_option(ip::tcp::acceptor::reuse_address(true), failed);
  if (!failed && where->endpoint.address().is_v6())
    acceptor.set_option(ip::v6_only(!where->dual_stack), failed);
  if (!failed) acceptor.bind(where->endpoint, failed);
  if (!failed) acceptor.listen(boost::asio::socket_base::max_listen_connections, failed);
  if (failed) return Error{Errc::io, "cannot listen on " + address + ": " + failed.message()};
  return acceptor;
}

Result<ip::tcp::acceptor>
adopt_acceptor(const boost::asio::any_io_executor& executor, UniqueFd socket) {
  const auto option = [&](int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(socket.get(), SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  const int family = option(SO_DOMAIN);
  if ((family != AF_INET && family != AF_INET6) || option(SO_PROTOCOL) != IPPROTO_TCP ||
      option(SO_ACCEPTCONN) != 1) {
    return Error{Errc::malformed, "systemd's socket is not a listening TCP socket"};
  }
  ip::tcp::acceptor acceptor(executor);
  boost::system::error_code failed;
  acceptor.assign(family == AF_INET6 ? ip::tcp::v6() : ip::tcp::v4(), socket.get(), failed);
  if (failed) return Error{Errc::io, "cannot take over systemd's socket: " + failed.message()};
  static_cast<void>(socket.release());
  return acceptor;
}

bool is_loopback(const ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return ip::make_address_v4(ip::v4_mapped, address.to_v6()).is_loopback();
  return address.is_loopback();
}

std::string to_text(const ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  const std::string port = ':' + std::to_string(endpoint.port());
  return (endpoint.address().is_v6() ? '[' + host + ']' : host) + port;
}

}  // namespace pghang
