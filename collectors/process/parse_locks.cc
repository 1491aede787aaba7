#include "collectors/process/parse_locks.h"

#include <algorithm>
#include <array>

#include "collectors/process/parse_text.h"

namespace pghang {
namespace {

constexpr int kHexadecimal = 16;
/// UNLCK and the last two are of leases.
constexpr std::array<std::string_view, 5> kAccesses{"READ", "WRITE", "UNLCK", "RW", "NONE"};

}  // namespace

std::optional<FileLock> parse_lock_line(std::string_view line) {
  FileLock lock;
  const std::string_view id = take_word(line);
  if (!id.ends_with(':') || !to_number<std::uint64_t>(id.substr(0, id.size() - 1)))
    return std::nullopt;
  // A wait is `-> ` further in by one blank for each step down (fs/locks.c, "%*s").
  if (const std::size_t arrow = line.find("->"); arrow != std::string_view::npos) {
    lock.depth = static_cast<unsigned>(arrow);
    line.remove_prefix(arrow + 2);
  }
  lock.type = take_word(line);
  [[maybe_unused]] const std::string_view advisory = take_word(line);
  const std::string_view access = take_word(line);
  const auto pid = to_number<pid_t>(take_word(line));
  const std::string_view file = take_word(line);
  const auto start = to_number<std::uint64_t>(take_word(line));
  const std::string_view end = take_word(line);

  const std::size_t colon = file.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view device_text = file.substr(0, colon);
  // A lock whose file is gone.
  const auto device = device_text == "<none>" ? std::optional(DeviceNumber{})
                                              : parse_device(device_text, kHexadecimal);
  const auto inode = to_number<std::uint64_t>(file.substr(colon + 1));
  if (!pid || !device || !inode || !start) return std::nullopt;
  if (std::ranges::find(kAccesses, access) == kAccesses.end()) return std::nullopt;
  if (end != "EOF") {
    const auto last = to_number<std::uint64_t>(end);
    if (!last) return std::nullopt;
    lock.end = *last;
  }
  lock.write = access == "WRITE" || access == "RW";
  lock.pid = *pid;
  lock.device_major = device->major_number;
  lock.device_minor = device->minor_number;
  lock.inode = *inode;
  lock.start = *start;
  return lock;
}

Result<std::vector<FileLock>> parse_locks(std::string_view text) {
  std::vector<FileLock> locks;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty()) continue;
    auto lock = parse_lock_line(line);
    if (!lock) return malformed("locks");
    locks.push_back(std::move(*lock));
  }
  return locks;
}

}  // namespace pghang
