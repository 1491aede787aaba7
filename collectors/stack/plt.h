#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "collectors/stack/elf_image.h"

namespace pghang {

/// The GOT slots of a module that relocations bind to imported functions.
class ImportTable {
 public:
  ImportTable() = default;
  explicit ImportTable(const ElfImage& image);

  /// About what it takes: a node of the table is two pointers and an entry.
  [[nodiscard]] std::size_t bytes() const { return slots_.size() * kEntryBytes; }

  /// Name of the symbol that the slot at `address` will hold; empty when none.
  [[nodiscard]] std::string_view slot(std::uint64_t address) const;

 private:
  static constexpr std::size_t kEntryBytes = 48;
  std::unordered_map<std::uint64_t, std::string_view> slots_;
};

/// The GOT slot that the stub at `address` jumps through (`endbr64` and `bnd` are passed over); 0
/// when the code there is something else.
[[nodiscard]] std::uint64_t slot_of_stub(const ElfImage& image, std::uint64_t address);

}  // namespace pghang
