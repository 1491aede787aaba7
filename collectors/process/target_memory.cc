#include "collectors/process/target_memory.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "collectors/process/file_text.h"

namespace pghang {
namespace {

/// Reads end at multiples of this, so that one unmapped page costs no bytes before it.
constexpr std::uint64_t kPage = 4096;

constexpr std::size_t kMaxRanges = 16;

}  // namespace

Result<void>
TargetMemory::read_ranges(std::span<const MemoryRange> ranges, std::span<std::byte> out) const {
  for (const MemoryRange& range : ranges) {
    const Result<std::size_t> got = read(range.address, out.first(range.size));
    if (!got) return got.error();
    if (*got != range.size) return Error{Errc::io, "the memory ends within a variable"};
    out = out.subspan(range.size);
  }
  return {};
}

Result<std::size_t> ProcessMemory::read(std::uint64_t address, std::span<std::byte> out) const {
  const iovec local{out.data(), out.size()};
  // The address belongs to the other process: it is a number here, never followed.
  const iovec remote{reinterpret_cast<void*>(address), out.size()};  // NOLINT(*-reinterpret-cast)
  const ssize_t got = ::process_vm_readv(pid_, &local, 1, &remote, 1, 0);
  if (got < 0) return system_error(errno, "memory of process " + std::to_string(pid_));
  return static_cast<std::size_t>(got);
}

Result<void>
ProcessMemory::read_ranges(std::span<const MemoryRange> ranges, std::span<std::byte> out) const {
  if (ranges.size() > kMaxRanges) return TargetMemory::read_ranges(ranges, out);
  std::array<iovec, kMaxRanges> remote{};
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    // The address belongs to the other process: it is a number here, never followed.
    remote[i] = {
        reinterpret_cast<void*>(ranges[i].address),  // NOLINT(*-reinterpret-cast)
        ranges[i].size};
  }
  const iovec local{out.data(), out.size()};
  const ssize_t got = ::process_vm_readv(pid_, &local, 1, remote.data(), ranges.size(), 0);
  if (got < 0) return system_error(errno, "memory of process " + std::to_string(pid_));
  if (static_cast<std::size_t>(got) != out.size()) {
    return Error{Errc::io, "the memory ends within a variable"};
  }
  return {};
}

Result<std::string>
read_string(const TargetMemory& memory, std::uint64_t address, std::size_t limit) {
  std::string text;
  std::array<char, kPage> page{};
  while (text.size() < limit) {
    const std::uint64_t at = address + text.size();
    const std::size_t wanted = std::min<std::uint64_t>(kPage - at % kPage, limit - text.size());
    const auto got = memory.read(at, std::as_writable_bytes(std::span(page).first(wanted)));
    if (!got && text.empty()) return got.error();
    if (!got) break;
    const std::string_view came(page.data(), *got);
    const std::size_t end = came.find('\0');
    text += came.substr(0, end);
    if (end != std::string_view::npos || *got < wanted) break;
  }
  return text;
}

}  // namespace pghang
