#include "collectors/process/sock_diag.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "collectors/process/file_text.h"
#include "collectors/process/parse_text.h"

namespace pghang {
namespace {

constexpr int kDeadlineMillis = 100;
constexpr std::size_t kMaxMessage = 8192;

/// The value at the front of `bytes`, which then lose it.
template <typename T>
std::optional<T> take(std::string_view& bytes) {
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T value{};
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

std::string name_text(std::string_view name) {
  if (name.starts_with('\0')) return '@' + std::string(name.substr(1));
  return std::string(name.substr(0, name.find('\0')));
}

/// False where it is not what its type says.
bool read_attribute(unsigned short type, std::string_view value, UnixDiag& diag) {
  switch (type) {
    case UNIX_DIAG_NAME: diag.name = name_text(value); return true;
    case UNIX_DIAG_PEER: {
      const auto peer = take<std::uint32_t>(value);
      diag.has_peer = true;
      diag.peer_inode = peer.value_or(0);
      return peer.has_value();
    }
    case UNIX_DIAG_RQLEN: {
      const auto lengths = take<unix_diag_rqlen>(value);
      if (lengths) diag.queues = SocketQueues{lengths->udiag_rqueue, lengths->udiag_wqueue};
      return lengths.has_value();
    }
    default: return true;
  }
}

Error error_of(std::string_view body) {
  const auto failure = take<nlmsgerr>(body);
  // The kernel answers with -errno.
  constexpr int highest = 4095;
  if (!failure || failure->error >= 0 || failure->error < -highest)
    return malformed("sock_diag's answer");
  return system_error(-failure->error, "sock_diag");
}

}  // namespace

Result<UnixDiag> parse_unix_diag(std::string_view message) {
  const std::size_t given = message.size();
  const auto header = take<nlmsghdr>(message);
  if (!header || header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > given)
    return malformed("sock_diag's answer");
  message = message.substr(0, header->nlmsg_len - sizeof(nlmsghdr));
  if (header->nlmsg_type == NLMSG_ERROR) return error_of(message);
  const auto fixed = take<unix_diag_msg>(message);
  if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY || !fixed || fixed->udiag_family != AF_UNIX)
    return malformed("sock_diag's answer");

  UnixDiag diag;
  diag.type = fixed->udiag_type;
  diag.state = fixed->udiag_state;
  while (!message.empty()) {
    const std::string_view from_here = message;
    const auto attribute = take<rtattr>(message);
    if (!attribute || attribute->rta_len < sizeof(rtattr) || attribute->rta_len > from_here.size())
      return malformed("sock_diag's answer");
    const std::string_view value = message.substr(0, attribute->rta_len - sizeof(rtattr));
    if (!read_attribute(attribute->rta_type, value, diag)) return malformed("sock_diag's answer");
    const std::size_t aligned = RTA_ALIGN(static_cast<std::size_t>(attribute->rta_len));
    message = from_here.substr(std::min(aligned, from_here.size()));
  }
  return diag;
}

Result<SockDiag> SockDiag::open() {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
  if (!socket) return system_error(errno, "sock_diag");
  return SockDiag(std::move(socket));
}

Result<UnixDiag> SockDiag::unix_socket(std::uint32_t inode) const {
  struct Request {
    nlmsghdr header;
    unix_diag_req body;
  } request{};

  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.header.nlmsg_seq = inode;
  request.body.sdiag_family = AF_UNIX;
  request.body.udiag_states = ~0U;
  request.body.udiag_ino = inode;
  request.body.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN;
  request.body.udiag_cookie[0] = ~0U;  // INET_DIAG_NOCOOKIE: whichever has that number
  request.body.udiag_cookie[1] = ~0U;
  if (::send(socket_.get(), &request, sizeof request, 0) < 0)
    return system_error(errno, "sock_diag");

  std::array<char, kMaxMessage> buffer{};
  for (;;) {
    pollfd entry{socket_.get(), POLLIN, 0};
    const int ready = ::poll(&entry, 1, kDeadlineMillis);
    if (ready == 0) return Error{Errc::timeout, "sock_diag did not answer"};
    if (ready < 0 && errno != EINTR) return system_error(errno, "sock_diag");
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return system_error(errno, "sock_diag");
    const std::string_view message(buffer.data(), static_cast<std::size_t>(got));
    // The late answer to a question that was given up is not ours.
    std::string_view front = message;
    const auto header = take<nlmsghdr>(front);
    if (header && header->nlmsg_seq != inode) continue;
    return parse_unix_diag(message);
  }
}

}  // namespace pghang
