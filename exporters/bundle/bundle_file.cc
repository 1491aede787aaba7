#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "config/unique_fd.h"
#include "exporters/bundle/bundle.h"

namespace pghang {
namespace {

Error last_error(const std::string& path) {
  const int error = errno;
  Errc code = Errc::io;
  if (error == EACCES || error == EPERM) code = Errc::permission_denied;
  if (error == ENOENT || error == ENOTDIR) code = Errc::not_found;
  if (error == EEXIST) code = Errc::refused;
  return {code, path + ": " + std::generic_category().message(error)};
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

/// At most `limit` + 1 bytes, so that the caller sees that it is too much.
bool read_all(int fd, std::size_t limit, std::string& out) {
  char buffer[16 * 1024];
  while (out.size() <= limit) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) break;
    out.append(buffer, static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

Result<void> write_bundle(const std::string& path, const Bundle& bundle) {
  const auto bytes = encode_bundle(bundle);
  if (!bytes) return bytes.error();
  const std::string draft = path + ".part" + std::to_string(::getpid());
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd fd(::open(draft.c_str(), kFlags, 0600));
  if (!fd) return last_error(draft);
  // link(2), not rename(2): it does not replace what is there.
  const bool done = write_all(fd.get(), *bytes) && ::fsync(fd.get()) == 0 &&
                    ::link(draft.c_str(), path.c_str()) == 0;
  Result<void> result;
  if (!done) result = last_error(path);
  ::unlink(draft.c_str());
  return result;
}

Result<Bundle> read_bundle(const std::string& path) {
  // Not blocking, should it be a FIFO.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return last_error(path);

  struct stat about {};

  if (::fstat(fd.get(), &about) != 0) return last_error(path);
  if (!S_ISREG(about.st_mode)) return Error{Errc::malformed, path + ": not a regular file"};
  std::string bytes;
  if (!read_all(fd.get(), kMaxBundleBytes, bytes)) return last_error(path);
  auto bundle = decode_bundle(bytes);
  if (!bundle) return Error{bundle.error().code, path + ": " + bundle.error().context};
  return bundle;
}

}  // namespace pghang
