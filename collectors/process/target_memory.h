#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "config/result.h"

namespace pghang {

struct MemoryRange {
  std::uint64_t address = 0;
  std::size_t size = 0;
};

/// Port: bytes of another process.
class TargetMemory {
 public:
  TargetMemory() = default;
  TargetMemory(const TargetMemory&) = delete;
  TargetMemory& operator=(const TargetMemory&) = delete;
  virtual ~TargetMemory() = default;

  /// Reads at most out.size() bytes from `address`; returns how many came, which is less when the
  /// range runs into unmapped memory. Errors: permission_denied, not_found (gone), io (EFAULT at
  /// once).
  [[nodiscard]] virtual Result<std::size_t> read(std::uint64_t address, std::span<std::byte> out)
      const = 0;

  /// Reads whole ranges, one behind the other into `out`, which is as large as all of them. Errors:
  /// those of read(); io when one does not come whole.
  [[nodiscard]] virtual Result<void>
  read_ranges(std::span<const MemoryRange> ranges, std::span<std::byte> out) const;
};

/// process_vm_readv(2). Does not stop the target; takes its mmap_lock for reading.
class ProcessMemory final : public TargetMemory {
 public:
  explicit ProcessMemory(pid_t pid) : pid_(pid) {}

  [[nodiscard]] Result<std::size_t> read(std::uint64_t address, std::span<std::byte> out)
      const override;

  /// By one system call, where there are at most 16 ranges.
  [[nodiscard]] Result<void>
  read_ranges(std::span<const MemoryRange> ranges, std::span<std::byte> out) const override;

 private:
  pid_t pid_;
};

/// For where the target's memory is not to be touched. Errors: unsupported, always.
class NoMemory final : public TargetMemory {
 public:
  [[nodiscard]] Result<std::size_t> read(std::uint64_t /*address*/, std::span<std::byte> /*out*/)
      const override {
    return Error{Errc::unsupported, "not read"};
  }
};

/// A C string of at most `limit` bytes; shorter when memory ends. Reads page by page.
[[nodiscard]] Result<std::string>
read_string(const TargetMemory& memory, std::uint64_t address, std::size_t limit);

}  // namespace pghang
