#include "collectors/stack/eh_frame.h"

#include <algorithm>
#include <string_view>

namespace pghang {

namespace {

constexpr std::uint8_t kPcRelative = 0x10;
constexpr std::uint8_t kDataRelativeSigned4 = 0x3b;
constexpr std::uint8_t kUnsigned4 = 0x03;

/// Reads a table of foreign bytes front to back. After the first read past the end, ok() is false
/// and everything reads as zero.
class Cursor {
 public:
  Cursor(const ElfImage& image, std::uint64_t address, std::uint64_t limit)
      : address_(address),
        bytes_(image.memory(address, limit)) {}

  [[nodiscard]] bool ok() const { return ok_; }

  [[nodiscard]] std::uint64_t address() const { return address_; }

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

  /// A pointer in the DW_EH_PE encoding; its size only with `relative` off.
  std::uint64_t take_pointer(std::uint8_t encoding, bool relative) {
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
  std::uint64_t address_;
  std::string_view bytes_;
  bool ok_ = true;
};

struct Cie {
  std::uint8_t pointer_encoding = 0;
  bool signal_frame = false;
};

constexpr std::uint64_t kMaxRecord = 1U << 16U;
constexpr std::uint32_t kLength64 = 0xffffffff;

std::optional<Cie> read_cie(const ElfImage& image, std::uint64_t address) {
  Cursor cursor(image, address, kMaxRecord);
  const auto length = cursor.take<std::uint32_t>();
  const auto id = cursor.take<std::uint32_t>();
  const auto version = cursor.take<std::uint8_t>();
  if (length == 0 || length == kLength64 || id != 0 || (version != 1 && version != 3)) {
    return std::nullopt;
  }
  const std::string_view augmentation = cursor.take_string();
  cursor.take_uleb();  // code alignment
  cursor.take_uleb();  // data alignment; signed, but only its length matters
  if (version == 1) {
    cursor.skip(1);
  } else {
    cursor.take_uleb();
  }
  Cie cie;
  if (!augmentation.empty()) {
    if (augmentation.front() != 'z') return std::nullopt;
    cursor.take_uleb();
    for (const char letter : augmentation.substr(1)) {
      switch (letter) {
        case 'R': cie.pointer_encoding = cursor.take<std::uint8_t>(); break;
        case 'P': cursor.take_pointer(cursor.take<std::uint8_t>(), false); break;
        case 'L': cursor.skip(1); break;
        case 'S': cie.signal_frame = true; break;
        default: return std::nullopt;
      }
    }
  }
  return cursor.ok() ? std::optional(cie) : std::nullopt;
}

std::optional<FunctionRange> read_fde(const ElfImage& image, std::uint64_t address) {
  Cursor cursor(image, address, kMaxRecord);
  const auto length = cursor.take<std::uint32_t>();
  const std::uint64_t cie_field = cursor.address();
  const auto cie_distance = cursor.take<std::uint32_t>();
  if (length == 0 || length == kLength64 || cie_distance == 0) return std::nullopt;
  const auto cie = read_cie(image, cie_field - cie_distance);
  if (!cie) return std::nullopt;
  FunctionRange range;
  range.start = cursor.take_pointer(cie->pointer_encoding, true);
  const std::uint64_t size = cursor.take_pointer(cie->pointer_encoding & 0x0fU, false);
  range.end = range.start + size;
  range.signal_frame = cie->signal_frame;
  if (!cursor.ok() || range.end < range.start) return std::nullopt;
  return range;
}

}  // namespace

std::optional<UnwindTable> find_unwind_table(const ElfImage& image) {
  const auto segment =
      std::find_if(image.segments().begin(), image.segments().end(), [](const Elf64_Phdr& header) {
        return header.p_type == PT_GNU_EH_FRAME;
      });
  if (segment == image.segments().end()) return std::nullopt;
  Cursor cursor(image, segment->p_vaddr, segment->p_memsz);
  const auto version = cursor.take<std::uint8_t>();
  const auto frame_encoding = cursor.take<std::uint8_t>();
  const auto count_encoding = cursor.take<std::uint8_t>();
  const auto table_encoding = cursor.take<std::uint8_t>();
  if (version != 1 || count_encoding != kUnsigned4 || table_encoding != kDataRelativeSigned4) {
    return std::nullopt;
  }
  cursor.take_pointer(frame_encoding, true);
  UnwindTable table;
  table.count = cursor.take<std::uint32_t>();
  table.header = segment->p_vaddr;
  table.entries = cursor.address();
  constexpr std::uint64_t entry_size = 8;
  const std::uint64_t bytes = image.memory(table.entries, table.count * entry_size).size();
  table.count = std::min(table.count, bytes / entry_size);
  if (!cursor.ok() || table.count == 0) return std::nullopt;
  return table;
}

std::optional<FunctionRange>
find_function_range(const ElfImage& image, const UnwindTable& table, std::uint64_t address) {
  struct Entry {
    std::int32_t start = 0;
    std::int32_t fde = 0;
  };

  const std::string_view entries = image.memory(table.entries, table.count * sizeof(Entry));
  const auto resolve = [&](std::int32_t offset) {
    return table.header + static_cast<std::uint64_t>(std::int64_t{offset});
  };
  const auto start_of = [&](std::size_t i) {
    return resolve(record_at<Entry>(entries, i).value_or(Entry{}).start);
  };
  std::size_t low = 0;
  std::size_t high = entries.size() / sizeof(Entry);
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (start_of(middle) <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return std::nullopt;
  const auto entry = record_at<Entry>(entries, low - 1);
  if (!entry) return std::nullopt;
  auto range = read_fde(image, resolve(entry->fde));
  if (!range || address < range->start || address >= range->end) return std::nullopt;
  range->fde_entry = table.entries + (low - 1) * sizeof(Entry);
  return range;
}

}  // namespace pghang
