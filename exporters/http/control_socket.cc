#include "exporters/http/control_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "config/unique_fd.h"

namespace pghang {
namespace {

using boost::asio::local::stream_protocol;

Error failure(const std::string& what, int number) {
  const Errc code = number == EACCES || number == EPERM ? Errc::permission_denied : Errc::io;
  return {code, what + ": " + std::strerror(number)};
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

/// Whether somebody listens at the socket `path`. Not listened at: ECONNREFUSED.
Result<bool> is_served(const std::string& path) {
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) return failure("cannot make a socket", errno);
  const sockaddr_un address = address_of(path);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  // EAGAIN: its queue is full, so there is somebody to empty it.
  if (::connect(probe.get(), generic, sizeof address) == 0 || errno == EAGAIN) return true;
  if (errno == ECONNREFUSED || errno == ENOENT) return false;
  return failure("cannot connect to " + path, errno);
}

/// That nothing is lost by putting a socket of ours at `path`.
Result<void> may_replace(const std::string& path) {
  struct stat there {};

  if (::lstat(path.c_str(), &there) != 0) {
    if (errno == ENOENT) return {};
    return failure(path, errno);
  }
  if (!S_ISSOCK(there.st_mode)) return Error{Errc::busy, path + " is there and no socket"};
  const Result<bool> served = is_served(path);
  if (!served) return served.error();
  if (*served) return Error{Errc::busy, "another program listens at " + path};
  return {};
}

Result<UniqueFd> bind_and_listen(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return failure("cannot make a socket", errno);
  const sockaddr_un address = address_of(path);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(socket.get(), generic, sizeof address) != 0 ||
      ::chmod(path.c_str(), kControlSocketMode) != 0 || ::listen(socket.get(), SOMAXCONN) != 0)
    return failure("cannot listen at " + path, errno);
  return socket;
}

}  // namespace

Result<stream_protocol::acceptor>
open_control_socket(const boost::asio::any_io_executor& executor, const std::string& path) {
  // Made beside it and moved there: nobody meets it half done, and a stale one is replaced at once.
  const std::string made = path + ".new";
  if (made.size() >= sizeof sockaddr_un{}.sun_path)
    return Error{Errc::malformed, path + " is longer than the address of a socket may be"};
  if (const auto free = may_replace(path); !free) return free.error();
  ::unlink(made.c_str());
  Result<UniqueFd> socket = bind_and_listen(made);
  if (!socket) return socket.error();
  if (std::rename(made.c_str(), path.c_str()) != 0) {
    const Error failed = failure("cannot make " + path, errno);
    ::unlink(made.c_str());
    return failed;
  }
  stream_protocol::acceptor acceptor(executor);
  boost::system::error_code failed;
  acceptor.assign(stream_protocol(), socket->get(), failed);
  if (failed) return Error{Errc::io, path + ": " + failed.message()};
  (void)socket->release();
  return acceptor;
}

std::string peer_of(const stream_protocol::socket& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  // native_handle() is not const, and does not change the socket.
  const int descriptor = const_cast<stream_protocol::socket&>(socket).native_handle();
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return "unknown";
  return "uid " + std::to_string(peer.uid) + ", pid " + std::to_string(peer.pid);
}

}  // namespace pghang
