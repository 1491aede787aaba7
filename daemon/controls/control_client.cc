#include "daemon/controls/control_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "config/unique_fd.h"
#include "daemon/service/service_folder.h"

namespace pghang {
namespace {

constexpr std::string_view kRuntime = "${RUNTIME_DIRECTORY}";
constexpr std::size_t kLongestAnswer = 64UL * 1024;

std::string expanded(const std::string& setting, const std::string& folder) {
  if (!setting.starts_with(kRuntime)) return setting;
  return folder.empty() ? "" : folder + setting.substr(kRuntime.size());
}

Error connect_failure(const std::string& path, int number) {
  switch (number) {
    case ENOENT:
      return {
          Errc::not_found,
          "there is no control socket at " + path +
              ": pghangd does not run, or web.control_socket is another (--config.file, "
              "--control.socket)"};
    case ECONNREFUSED:
      return {
          Errc::disconnected,
          "nobody listens at " + path + ": the pghangd that made it has ended"};
    case EACCES:
    case EPERM:
      return {
          Errc::permission_denied,
          "may not use " + path + ": be root, or in the group of pghangd's user"};
    case EAGAIN: return {Errc::timeout, "pghangd does not take connections at " + path};
    default: return {Errc::io, "cannot connect to " + path + ": " + std::strerror(number)};
  }
}

Error talk_failure(int number) {
  if (number == EAGAIN || number == EWOULDBLOCK)
    return {Errc::timeout, "pghangd does not answer; whether it did what was asked is not known"};
  return {Errc::io, std::string("talking to pghangd: ") + std::strerror(number)};
}

Result<ControlAnswer> parsed(std::string_view answer) {
  constexpr std::string_view kVersion = "HTTP/1.";
  const std::size_t body = answer.find("\r\n\r\n");
  ControlAnswer result;
  const bool http = answer.starts_with(kVersion) && answer.size() > 12 && body != answer.npos;
  const std::string_view digits = http ? answer.substr(9, 3) : "";
  if (!http || std::from_chars(digits.data(), digits.data() + 3, result.status).ec != std::errc{})
    return Error{Errc::malformed, "what answers there is not pghangd"};
  result.body = std::string(answer.substr(body + 4));
  while (result.body.ends_with('\n'))
    result.body.pop_back();
  return result;
}

}  // namespace

Result<ControlAnswer>
control_post(const std::string& socket, const std::string& target, std::chrono::seconds patience) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path)
    return Error{Errc::malformed, socket + " is longer than the address of a socket may be"};
  std::memcpy(address.sun_path, socket.c_str(), socket.size() + 1);
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
  if (fd.get() < 0 || ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
      ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0)
    return talk_failure(errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return connect_failure(socket, errno);

  const std::string request =
      "POST " + target +
      " HTTP/1.1\r\nHost: pghangd\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
    return talk_failure(errno);
  std::string answer;
  std::array<char, 4096> chunk{};
  for (;;) {
    const ssize_t size = ::recv(fd.get(), chunk.data(), chunk.size(), 0);
    if (size < 0) return talk_failure(errno);
    if (size == 0 || answer.size() > kLongestAnswer) break;
    answer.append(chunk.data(), static_cast<std::size_t>(size));
  }
  if (answer.empty())
    return Error{Errc::disconnected, "pghangd closed the connection without an answer"};
  return parsed(answer);
}

std::string control_socket_path(const std::string& setting) {
  const std::string folder = service_folder("RUNTIME_DIRECTORY");
  return expanded(setting, folder.empty() ? "/run/pghangd" : folder);
}

std::string own_control_socket_path(const std::string& setting) {
  return expanded(setting, service_folder("RUNTIME_DIRECTORY"));
}

}  // namespace pghang
