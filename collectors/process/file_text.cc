#include "collectors/process/file_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "config/unique_fd.h"

namespace pghang {
namespace {

Errc code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ESRCH: return Errc::not_found;
    case EACCES:
    case EPERM: return Errc::permission_denied;
    default: return Errc::io;
  }
}

}  // namespace

Error system_error(int error_number, const std::string& what) {
  return {code_of(error_number), what + ": " + std::generic_category().message(error_number)};
}

Result<std::string> read_text_file(const std::string& path, std::size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return system_error(errno, path);

  std::string text;
  std::array<char, 16384> chunk{};
  while (text.size() < limit) {
    const std::size_t wanted = std::min(chunk.size(), limit - text.size());
    const ssize_t got = ::read(fd.get(), chunk.data(), wanted);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, path);
    if (got == 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace pghang
