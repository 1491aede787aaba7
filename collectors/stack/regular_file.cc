#include "collectors/stack/regular_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace pghang {

namespace {

Error open_error(const std::string& path) {
  const int error = errno;
  Errc code = Errc::io;
  if (error == ENOENT || error == ENOTDIR) code = Errc::not_found;
  if (error == EACCES || error == EPERM) code = Errc::permission_denied;
  return {code, path + ": " + std::generic_category().message(error)};
}

int open_path_in(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  const long fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
  if (fd >= 0 || errno != ENOSYS) return static_cast<int>(fd);
  // Before Linux 5.6: as good as it gets there, symbolic links may lead out.
  const std::size_t relative = path.find_first_not_of('/');
  if (relative == std::string::npos) return -1;
  return ::openat(root, path.c_str() + relative, O_PATH | O_CLOEXEC);
}

/// From a descriptor that names a file to one that reads it.
Result<UniqueFd> read_regular(const UniqueFd& named, const std::string& path) {
  if (!named) return open_error(path);

  struct stat status {};

  if (::fstat(named.get(), &status) != 0) return open_error(path);
  if (!S_ISREG(status.st_mode)) return Error{Errc::malformed, path + ": not a regular file"};
  const std::string again = "/proc/self/fd/" + std::to_string(named.get());
  UniqueFd fd(::open(again.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return open_error(path);
  return fd;
}

}  // namespace

UniqueFd open_root(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

Result<UniqueFd> open_regular(const std::string& path) {
  return read_regular(UniqueFd(::open(path.c_str(), O_PATH | O_CLOEXEC)), path);
}

Result<UniqueFd> open_regular_in(const UniqueFd& root, const std::string& path) {
  return read_regular(UniqueFd(open_path_in(root.get(), path)), path);
}

}  // namespace pghang
