#include "collectors/stack/eh_frame.h"

#include <algorithm>
#include <string_view>

#include "collectors/stack/cfi_check.h"
#include "collectors/stack/eh_cursor.h"
#include "collectors/stack/snapshot.h"

namespace pghang {

namespace {

constexpr std::uint8_t kDataRelativeSigned4 = 0x3b;
constexpr std::uint8_t kUnsigned4 = 0x03;

struct Cie {
  std::uint8_t pointer_encoding = 0;
  bool signal_frame = false;
  bool sized_augmentation = false;
  CfiChecker checker{0};  ///< has accepted the CIE's program
};

constexpr std::uint64_t kMaxRecord = 1U << 16U;
constexpr std::uint32_t kLength64 = 0xffffffff;
/// libunwind reads no more letters of an augmentation, and takes the data of the others for the
/// CIE's program, which was not checked then. Compilers write at most `zPLR`.
constexpr std::size_t kMaxAugmentation = 4;

/// Opens the CIE or FDE at `address`: the cursor is behind the length, and ends with the record.
EhCursor open_record(const ElfImage& image, std::uint64_t address) {
  EhCursor cursor(image, address, kMaxRecord);
  const auto length = cursor.take<std::uint32_t>();
  cursor.limit(length == kLength64 ? 0 : length);
  return cursor;
}

/// The letters after `z` and their data; false for one that is not known.
bool take_augmentation(EhCursor& cursor, std::string_view letters, Cie& cie) {
  for (const char letter : letters) {
    switch (letter) {
      case 'R': cie.pointer_encoding = cursor.take<std::uint8_t>(); break;
      case 'P': cursor.take_pointer(cursor.take<std::uint8_t>(), false); break;
      case 'L': cursor.skip(1); break;
      case 'S': cie.signal_frame = true; break;
      default: return false;
    }
  }
  return true;
}

std::optional<Cie> read_cie(const ElfImage& image, std::uint64_t address) {
  EhCursor cursor = open_record(image, address);
  const auto id = cursor.take<std::uint32_t>();
  const auto version = cursor.take<std::uint8_t>();
  if (id != 0 || (version != 1 && version != 3)) return std::nullopt;
  const std::string_view augmentation = cursor.take_string();
  cursor.take_uleb();  // code alignment
  cursor.take_uleb();  // data alignment; signed, but only its length matters
  const std::uint64_t return_column =
      version == 1 ? cursor.take<std::uint8_t>() : cursor.take_uleb();
  if (return_column != kRegisterRip) return std::nullopt;
  Cie cie;
  if (!augmentation.empty()) {
    if (augmentation.front() != 'z' || augmentation.size() > kMaxAugmentation) return std::nullopt;
    cie.sized_augmentation = true;
    const std::uint64_t size = cursor.take_uleb();
    const std::uint64_t data = cursor.address();
    if (!take_augmentation(cursor, augmentation.substr(1), cie)) return std::nullopt;
    if (cursor.address() - data != size) return std::nullopt;
  }
  cie.checker = CfiChecker(cie.pointer_encoding);
  if (!cursor.ok() || !cie.checker.accept(cursor)) return std::nullopt;
  return cie;
}

std::optional<FunctionRange> read_fde(const ElfImage& image, std::uint64_t address) {
  EhCursor cursor = open_record(image, address);
  const std::uint64_t cie_field = cursor.address();
  const auto cie_distance = cursor.take<std::int32_t>();
  if (cie_distance == 0) return std::nullopt;
  auto cie = read_cie(image, cie_field - static_cast<std::uint64_t>(std::int64_t{cie_distance}));
  if (!cie) return std::nullopt;
  FunctionRange range;
  range.start = cursor.take_pointer(cie->pointer_encoding, true);
  const std::uint64_t size = cursor.take_pointer(cie->pointer_encoding & 0x0fU, false);
  range.end = range.start + size;
  range.signal_frame = cie->signal_frame;
  if (cie->sized_augmentation) cursor.skip(cursor.take_uleb());
  if (!cursor.ok() || range.end < range.start) return std::nullopt;
  if (!cie->checker.accept(cursor) || !cie->checker.defines_cfa()) return std::nullopt;
  return range;
}

}  // namespace

std::optional<UnwindTable> find_unwind_table(const ElfImage& image) {
  const auto segment =
      std::find_if(image.segments().begin(), image.segments().end(), [](const Elf64_Phdr& header) {
        return header.p_type == PT_GNU_EH_FRAME;
      });
  if (segment == image.segments().end()) return std::nullopt;
  EhCursor cursor(image, segment->p_vaddr, segment->p_memsz);
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
