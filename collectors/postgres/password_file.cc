#include "collectors/postgres/password_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace pghang {
namespace {

constexpr std::size_t kLimit = 4096;
constexpr std::string_view kCredentials = "${CREDENTIALS_DIRECTORY}";

Error system_failure(const std::string& path, int number) {
  const Errc code = number == EACCES || number == EPERM ? Errc::permission_denied
                    : number == ENOENT                  ? Errc::not_found
                                                        : Errc::io;
  return {code, "password_file " + path + ": " + std::generic_category().message(number)};
}

}  // namespace

Result<std::string> read_password_file(const std::string& path) {
  std::string file = path;
  if (file.starts_with(kCredentials)) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in this program changes the environment
    const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr) {
      return Error{
          Errc::not_found,
          "password_file " + path + ": systemd gave no credentials (LoadCredential=)"};
    }
    file.replace(0, kCredentials.size(), folder);
  }

  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return system_failure(file, errno);
  std::array<char, kLimit + 1> buffer{};
  std::size_t size = 0;
  ssize_t got = 0;
  do {
    got = read(fd, buffer.data() + size, buffer.size() - size);
    if (got > 0) size += static_cast<std::size_t>(got);
  } while ((got > 0 && size < buffer.size()) || (got < 0 && errno == EINTR));
  const int failure = got < 0 ? errno : 0;
  close(fd);
  if (failure != 0) return system_failure(file, failure);

  std::string password(buffer.data(), size);
  if (password.ends_with('\n')) password.pop_back();
  if (password.ends_with('\r')) password.pop_back();
  if (password.empty() || size > kLimit ||
      password.find_first_of(std::string_view("\n\0", 2)) != std::string::npos) {
    return Error{Errc::malformed, "password_file " + file + ": not one line of at most 4 KiB"};
  }
  return password;
}

}  // namespace pghang
