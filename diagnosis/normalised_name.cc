#include <algorithm>
#include <array>
#include <string_view>

#include "diagnosis/fingerprint.h"

namespace pghang {
namespace {

/// What GCC and Clang append to the name of a function's copy.
constexpr auto kCloneSuffixes = std::to_array<std::string_view>(
    {"isra", "part", "constprop", "cold", "lto_priv", "localalias", "llvm", "clone"}
);

/// libc calls whose wrappers go by several names: `__open64`, `__libc_read`,
/// `__epoll_wait_nocancel`.
constexpr auto kLibcCalls = std::to_array<std::string_view>(
    {"accept",
     "accept4",
     "clock_nanosleep",
     "close",
     "connect",
     "creat",
     "epoll_pwait",
     "epoll_wait",
     "fallocate",
     "fcntl",
     "fdatasync",
     "flock",
     "fopen",
     "fstat",
     "fstatat",
     "fsync",
     "ftruncate",
     "ioctl",
     "lseek",
     "lstat",
     "msgrcv",
     "msgsnd",
     "msync",
     "nanosleep",
     "open",
     "openat",
     "pause",
     "poll",
     "posix_fadvise",
     "posix_fallocate",
     "ppoll",
     "pread",
     "preadv",
     "pselect",
     "pwrite",
     "pwritev",
     "read",
     "readv",
     "recv",
     "recvfrom",
     "recvmsg",
     "select",
     "sem_timedwait",
     "sem_wait",
     "semop",
     "semtimedop",
     "send",
     "sendmsg",
     "sendto",
     "sleep",
     "stat",
     "sync_file_range",
     "truncate",
     "unlink",
     "usleep",
     "wait",
     "wait4",
     "waitid",
     "waitpid",
     "write",
     "writev"}
);

struct Alias {
  std::string_view name;
  std::string_view folded;
};

/// Inner parts of libc's semaphore and futex waits; which of them show depends on its version.
constexpr auto kAliases = std::to_array<Alias>({
    {"__futex_abstimed_wait_cancelable64", "futex_wait"},
    {"__futex_abstimed_wait_common", "futex_wait"},
    {"__futex_abstimed_wait_common64", "futex_wait"},
    {"__new_sem_wait", "sem_wait"},
    {"__new_sem_wait_slow", "sem_wait"},
    {"__new_sem_wait_slow64", "sem_wait"},
    {"do_futex_wait", "futex_wait"},
    {"futex_abstimed_wait_cancelable", "futex_wait"},
});

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

bool strip_prefix(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix) || name.size() == prefix.size()) return false;
  name.remove_prefix(prefix.size());
  return true;
}

bool strip_suffix(std::string_view& name, std::string_view suffix) {
  if (!name.ends_with(suffix) || name.size() == suffix.size()) return false;
  name.remove_suffix(suffix.size());
  return true;
}

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char digit) { return digit >= '0' && digit <= '9'; });
}

/// Takes one `.isra` or `.isra.0` off the end.
bool strip_clone_suffix(std::string_view& name) {
  std::string_view head = name;
  auto dot = head.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  if (is_number(head.substr(dot + 1))) {
    head = head.substr(0, dot);
    dot = head.rfind('.');
    if (dot == std::string_view::npos || dot == 0) return false;
  }
  if (!contains(kCloneSuffixes, head.substr(dot + 1))) return false;
  name = head.substr(0, dot);
  return true;
}

/// The call that a libc wrapper makes, or nothing.
std::string_view libc_call(std::string_view name) {
  strip_prefix(name, "__libc_");
  while (strip_prefix(name, "_")) {
  }
  while (strip_suffix(name, "_nocancel") || strip_suffix(name, "_time64") ||
         strip_suffix(name, "64") || strip_suffix(name, "_chk")) {
  }
  return contains(kLibcCalls, name) ? name : std::string_view();
}

}  // namespace

std::string normalised_name(const std::string& function) {
  std::string_view name = function;
  if (const auto at = name.find('@'); at != std::string_view::npos && at > 0)
    name = name.substr(0, at);
  while (strip_clone_suffix(name)) {
  }
  strip_prefix(name, "__GI_");
  const auto* const alias =
      std::ranges::find_if(kAliases, [name](const Alias& known) { return known.name == name; });
  if (alias != kAliases.end()) return std::string(alias->folded);
  if (const auto call = libc_call(name); !call.empty()) return std::string(call);
  return std::string(name);
}

}  // namespace pghang
