#pragma once

#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "config/result.h"

namespace pghang {

/// Owner and group may connect (unix(7): that needs write permission).
inline constexpr unsigned kControlSocketMode = 0660;

/// Bound and listening at `path`, with kControlSocketMode from its first moment on. A socket that
/// nobody listens at any more is replaced. Errors: malformed (longer than an address may be), busy
/// (another program listens there, or it is no socket), permission_denied, io.
[[nodiscard]] Result<boost::asio::local::stream_protocol::acceptor>
open_control_socket(const boost::asio::any_io_executor& executor, const std::string& path);

/// `uid 0, pid 4711`: who connected (SO_PEERCRED of unix(7)); `unknown` where it cannot be read.
[[nodiscard]] std::string peer_of(const boost::asio::local::stream_protocol::socket& socket);

}  // namespace pghang
