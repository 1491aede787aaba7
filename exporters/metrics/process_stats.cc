#include "exporters/metrics/process_stats.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

namespace pghang {

ProcessStats::ProcessStats()
    : statm_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)),
      fds_(::opendir("/proc/self/fd")) {}

double ProcessStats::cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::optional<std::uint64_t> ProcessStats::resident_bytes() const {
  std::array<char, 128> buffer{};
  const ssize_t size = ::pread(statm_.get(), buffer.data(), buffer.size(), 0);
  if (size <= 0) return std::nullopt;
  // proc(5): "size resident ...", in pages.
  std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  text.remove_prefix(std::min(text.find(' '), text.size() - 1) + 1);
  std::uint64_t pages = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), pages).ec != std::errc{})
    return std::nullopt;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<std::uint64_t> ProcessStats::open_fds() const {
  if (!fds_) return std::nullopt;
  ::rewinddir(fds_.get());
  std::uint64_t count = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): readdir is safe on a stream that one thread owns.
  while (const dirent* entry = ::readdir(fds_.get())) {
    if (std::string_view(entry->d_name).front() != '.') ++count;
  }
  return count;
}

std::optional<std::uint64_t> ProcessStats::max_fds() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return limit.rlim_cur;
}

}  // namespace pghang
