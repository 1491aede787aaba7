#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "collectors/process/target_memory.h"

namespace pghang {

/// A structure of the target, or nothing when it cannot be read whole.
template <typename T>
[[nodiscard]] std::optional<T> read_value(const TargetMemory& memory, std::uint64_t address) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value{};
  const Result<std::size_t> got =
      memory.read(address, std::as_writable_bytes(std::span<T, 1>(&value, 1)));
  if (!got || *got != sizeof value) return std::nullopt;
  return value;
}

/// `count` of them, or nothing.
template <typename T>
[[nodiscard]] std::optional<std::vector<T>>
read_values(const TargetMemory& memory, std::uint64_t address, std::size_t count) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::vector<T> values(count);
  if (count == 0) return values;
  const Result<std::size_t> got = memory.read(address, std::as_writable_bytes(std::span(values)));
  if (!got || *got != count * sizeof(T)) return std::nullopt;
  return values;
}

}  // namespace pghang
