#include "daemon/service/journal.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace pghang {
namespace {

constexpr std::string_view kSocket = "/run/systemd/journal/socket";

/// syslog(3): err, warning, info, debug.
char priority_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return '7';
    case LogLevel::info: return '6';
    case LogLevel::warn: return '4';
    case LogLevel::error: return '3';
  }
  return '6';
}

void append(std::string& entry, std::string_view name, std::string_view value) {
  entry += name;
  if (value.find('\n') == std::string_view::npos) {
    entry += '=';
  } else {
    entry += '\n';
    for (unsigned shift = 0; shift < 64; shift += 8)
      entry += static_cast<char>(std::uint64_t{value.size()} >> shift & 0xFFU);
  }
  entry += value;
  entry += '\n';
}

std::string field_name(std::string_view key) {
  std::string name = "PGHANGD_";
  for (const char c : key)
    name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

}  // namespace

std::string journal_entry(
    LogLevel level,
    std::string_view message,
    std::string_view event,
    const std::vector<std::pair<std::string, std::string>>& fields
) {
  std::string entry;
  append(entry, "MESSAGE", message);
  append(entry, "PRIORITY", std::string(1, priority_of(level)));
  append(entry, "SYSLOG_IDENTIFIER", "pghangd");
  append(entry, "PGHANGD_EVENT", event);
  for (const auto& [key, value] : fields)
    append(entry, field_name(key), value);
  return entry;
}

bool stderr_is_the_journal() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in this program changes the environment
  const char* stream = std::getenv("JOURNAL_STREAM");

  struct stat status {};

  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

Journal::Journal() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

bool Journal::send(std::string_view entry) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  static_assert(kSocket.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, kSocket.data(), kSocket.size());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how sockets take addresses
  const auto* any = reinterpret_cast<const sockaddr*>(&address);
  ssize_t sent = -1;
  do {
    sent = ::sendto(socket_.get(), entry.data(), entry.size(), MSG_NOSIGNAL, any, sizeof address);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

}  // namespace pghang
