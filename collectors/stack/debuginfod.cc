#include "collectors/stack/debuginfod.h"

#include <dlfcn.h>
#include <elfutils/debuginfod.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <system_error>

namespace pghang {

namespace {

using Clock = std::chrono::steady_clock;

struct Library {
  decltype(&debuginfod_begin) begin = nullptr;
  decltype(&debuginfod_end) end = nullptr;
  decltype(&debuginfod_find_debuginfo) find = nullptr;
};

template <typename Function>
bool resolve(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(handle, name));
  return function != nullptr;
}

/// Never unloaded: the process ends soon.
bool load(Library& library) {
  void* handle = ::dlopen(DEBUGINFOD_SONAME, RTLD_NOW | RTLD_LOCAL);
  return handle != nullptr && resolve(handle, "debuginfod_begin", library.begin) &&
         resolve(handle, "debuginfod_end", library.end) &&
         resolve(handle, "debuginfod_find_debuginfo", library.find);
}

/// The library ends a download by itself after this many seconds, and then removes what it has. It
/// gets a second less than there is: whoever waits for this process ends it at the deadline.
void limit_seconds(Clock::time_point deadline) {
  const auto left = std::chrono::floor<std::chrono::seconds>(deadline - Clock::now());
  const auto seconds = std::to_string(std::max<std::int64_t>(left.count() - 1, 1));
  ::setenv(DEBUGINFOD_MAXTIME_ENV_VAR, seconds.c_str(), 1);
}

}  // namespace

Result<std::string>
fetch_debug_file(const std::string& build_id, std::chrono::steady_clock::time_point deadline) {
  Library library;
  if (!load(library)) {
    return Error{Errc::unsupported, "there is no " DEBUGINFOD_SONAME " (package libdebuginfod1)"};
  }
  limit_seconds(deadline);
  debuginfod_client* client = library.begin();
  if (client == nullptr) return Error{Errc::io, "no debuginfod client"};
  char* path = nullptr;
  const auto* id = reinterpret_cast<const unsigned char*>(build_id.c_str());
  const int fd = library.find(client, id, 0, &path);
  library.end(client);
  if (fd >= 0) {
    ::close(fd);
    std::string result = path;
    std::free(path);  // NOLINT(cppcoreguidelines-no-malloc): the library allocates with malloc
    return result;
  }
  const Errc code = fd == -ENOENT ? Errc::not_found : fd == -ETIME ? Errc::timeout : Errc::io;
  return Error{code, std::generic_category().message(-fd)};
}

}  // namespace pghang
