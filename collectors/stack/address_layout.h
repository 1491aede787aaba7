#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "collectors/stack/module_cache.h"
#include "collectors/stack/snapshot.h"

namespace pghang {

/// What is at an address of the snapshot: its mapping, the module behind it and where that is
/// loaded.
struct CodePlace {
  const Mapping* mapping = nullptr;   ///< null: the address is in no mapping
  const ElfModule* module = nullptr;  ///< null: anonymous memory, or the file could not be had
  std::uint64_t bias = 0;             ///< address - bias is in the module's own numbering
};

/// A snapshot's address space: captured stack bytes first, file-backed bytes of the modules second,
/// never the live process. Refers to the snapshot and the source.
class AddressLayout {
 public:
  AddressLayout(const StackSnapshot& snapshot, const ModuleSource& modules);

  [[nodiscard]] CodePlace at(std::uint64_t address) const;
  /// At most `size` bytes at `address`, all from one source; empty when nothing is known there.
  [[nodiscard]] std::string_view bytes(std::uint64_t address, std::size_t size) const;
  /// The aligned or unaligned word of the captured stack at `address`.
  [[nodiscard]] std::optional<std::uint64_t> stack_word(std::uint64_t address) const;
  [[nodiscard]] std::uint64_t stack_end() const;

 private:
  struct Region {
    const Mapping* mapping = nullptr;
    std::shared_ptr<const ElfModule> module;
    std::uint64_t bias = 0;
    bool resolved = false;
  };

  const StackSnapshot& snapshot_;
  const ModuleSource& modules_;
  mutable std::vector<Region> regions_;  ///< by address; modules are looked up when first needed
};

}  // namespace pghang
