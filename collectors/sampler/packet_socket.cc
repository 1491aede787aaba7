#include "collectors/sampler/packet_socket.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "collectors/sampler/protocol.h"

namespace pghang::sampler {

Result<std::pair<UniqueFd, UniqueFd>> make_packet_sockets() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return Error{Errc::io, "socketpair: " + std::generic_category().message(errno)};
  }
  std::pair<UniqueFd, UniqueFd> pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
  for (const int end : ends) {
    // A packet has to fit whole. Systems with a small default would refuse it with EMSGSIZE.
    const int bytes = 2 * static_cast<int>(kMaxMessageBytes);
    if (::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) != 0) {
      return Error{Errc::io, "SO_SNDBUF: " + std::generic_category().message(errno)};
    }
  }
  return pair;
}

Received receive_packet(int socket, std::string& buffer) {
  buffer.resize(kMaxMessageBytes);
  ssize_t got = 0;
  do {
    got = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
  if (got <= 0) return {.status = ReceiveStatus::closed, .packet = {}};
  const auto size = static_cast<std::size_t>(got);
  if (size > buffer.size()) return {.status = ReceiveStatus::packet, .packet = {}};
  return {.status = ReceiveStatus::packet, .packet = std::string_view(buffer).substr(0, size)};
}

SendStatus send_packet(int socket, std::string_view packet) {
  ssize_t sent = 0;
  do {
    sent = ::send(socket, packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return SendStatus::sent;
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? SendStatus::full
                                                                     : SendStatus::closed;
}

}  // namespace pghang::sampler
