#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "collectors/stack/elf_image.h"

namespace pghang {

/// Reads a table of foreign bytes front to back. After the first read past the end, ok() is false
/// and everything reads as zero.
class EhCursor {
 public:
  EhCursor(const ElfImage& image, std::uint64_t address, std::uint64_t limit)
      : address_(address),
        bytes_(image.memory(address, limit)) {}

  [[nodiscard]] bool ok() const { return ok_; }

  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

  [[nodiscard]] std::uint64_t address() const { return address_; }

  /// Lets it end `size` bytes ahead. Not ok when there are fewer.
  void limit(std::uint64_t size) {
    ok_ = ok_ && size <= bytes_.size();
    bytes_ = bytes_.substr(0, size);
  }

  template <typename T>
  T take() {
    const auto value = record_at<T>(bytes_, 0);
    skip(sizeof(T));
    return value.value_or(T{});
  }

  void skip(std::uint64_t count) {
    ok_ = ok_ && count <= bytes_.size();
    bytes_.remove_prefix(std::min<std::uint64_t>(count, bytes_.size()));
    address_ += count;
  }

  std::uint64_t take_uleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; ok_ && shift < 64; shift += 7) {
      const auto byte = take<std::uint8_t>();
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    ok_ = false;
    return 0;
  }

  std::string_view take_string() {
    const std::string_view text = string_at(bytes_, 0);
    ok_ = ok_ && text.size() < bytes_.size();
    skip(text.size() + 1);
    return ok_ ? text : std::string_view();
  }

  /// A pointer in the DW_EH_PE encoding; its size only with `relative` off. Not ok for LEB128 and
  /// for DW_EH_PE_aligned, which no compiler for x86-64 writes.
  std::uint64_t take_pointer(std::uint8_t encoding, bool relative) {
    if ((encoding & 0x70U) == kAligned) ok_ = false;
    const std::uint64_t base = relative && (encoding & 0x70U) == kPcRelative ? address_ : 0;
    switch (encoding & 0x0fU) {
      case 0x00:
      case 0x04:
      case 0x0c: return base + take<std::uint64_t>();
      case 0x02: return base + take<std::uint16_t>();
      case 0x03: return base + take<std::uint32_t>();
      case 0x0a: return base + static_cast<std::uint64_t>(std::int64_t{take<std::int16_t>()});
      case 0x0b: return base + static_cast<std::uint64_t>(std::int64_t{take<std::int32_t>()});
      default: ok_ = false; return 0;
    }
  }

 private:
  static constexpr std::uint8_t kPcRelative = 0x10;
  static constexpr std::uint8_t kAligned = 0x50;

  std::uint64_t address_;
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace pghang
