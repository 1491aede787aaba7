#include "daemon/service/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime(2) is POSIX, not <ctime>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>

namespace pghang {
namespace {

constexpr std::size_t kMaxStatus = 400;
constexpr int kFirstListeningSocket = 3;
constexpr unsigned kMaxListeningSockets = 64;

std::string_view environment(const char* name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in this program changes the environment
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// A path, or with @ an abstract name.
UniqueFd connect_to(std::string_view name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() < 2 || name.size() >= sizeof address.sun_path) return {};
  if (name.front() != '/' && name.front() != '@') return {};
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name.front() == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how sockets take addresses
  const auto* any = reinterpret_cast<const sockaddr*>(&address);
  if (!socket || ::connect(socket.get(), any, size) != 0) return {};
  return socket;
}

bool meant_for_this_process(std::string_view pid) {
  return number_in<pid_t>(pid) == ::getpid();
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  ServiceManager manager;
  manager.socket_ = connect_to(environment("NOTIFY_SOCKET"));
  const std::string_view pid = environment("WATCHDOG_PID");
  const auto micros = number_in<std::int64_t>(environment("WATCHDOG_USEC"));
  if (micros && *micros > 0 && (pid.empty() || meant_for_this_process(pid))) {
    manager.watchdog_ = std::chrono::microseconds(*micros);
  }
  return manager;
}

void ServiceManager::reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto micros = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(micros));
}

void ServiceManager::status(const std::string& text) const {
  std::string line = text.substr(0, std::min(text.find('\n'), kMaxStatus));
  // Not the middle of a character: systemd refuses what is not UTF-8.
  if (line.size() == kMaxStatus) {
    const auto in_character = [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
    };
    while (!line.empty() && in_character(line.back()))
      line.pop_back();
    if (!line.empty() && static_cast<unsigned char>(line.back()) >= 0x80) line.pop_back();
    line += "...";
  }
  send("STATUS=" + line);
}

void ServiceManager::send(const std::string& message) const {
  if (socket_) ::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

std::vector<UniqueFd> take_listening_sockets() {
  std::vector<UniqueFd> sockets;
  const auto count = number_in<unsigned>(environment("LISTEN_FDS"));
  if (!count || !meant_for_this_process(environment("LISTEN_PID"))) return sockets;
  for (unsigned i = 0; i < std::min(*count, kMaxListeningSockets); ++i) {
    const int fd = kFirstListeningSocket + static_cast<int>(i);
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) sockets.emplace_back(fd);
  }
  return sockets;
}

}  // namespace pghang
