#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/stack/elf_image.h"
#include "collectors/stack/elf_module.h"
#include "collectors/stack/unforked.h"

namespace pghang {

/// A function name by address, as DWARF gives it to the function that starts there.
using PreferredNames = std::map<std::uint64_t, std::string>;

/// The functions of a module, sorted by address. Refers to the tables' bytes, which must outlive
/// it. Symbols without a size, or outside executable segments, are left out.
class SymbolIndex {
 public:
  /// Adds the functions of one table. `image` says what is executable; `exported`: it is .dynsym.
  void add(const SymbolTable& table, const ElfImage& image, bool exported = false);
  /// Sorts. Of several names at one address an exported one is kept last, whatever debug packages
  /// are installed; of several of those the greatest by strcmp. Among others it is the one in
  /// `preferred`, else the greatest: what gdb shows (minimal_symbol_is_less_than,
  /// lookup_minimal_symbol_by_pc_section). A clone (`f.isra.0`) of a function that is preferred at
  /// its address gets that one's name.
  void finish(const PreferredNames& preferred);

  [[nodiscard]] std::size_t bytes() const { return entries_.capacity() * sizeof(Entry); }

  /// True when some address has several names. Before finish().
  [[nodiscard]] bool ambiguous() const;

  /// Of the functions that cover `address` the exported one with the highest start; else that of
  /// the others.
  [[nodiscard]] std::optional<ElfSymbol> covering(std::uint64_t address) const;
  /// True when a function called `name` starts at `address`.
  [[nodiscard]] bool has(std::string_view name, std::uint64_t address) const;

 private:
  struct Entry {
    std::uint64_t value = 0;
    std::uint32_t size = 0;
    std::uint32_t name_size = 0;
    const char* name = nullptr;
    bool preferred = false;
    bool exported = false;

    [[nodiscard]] std::string_view text() const { return {name, name_size}; }
  };

  std::vector<Entry, Unforked<Entry>> entries_;
};

/// `name` without a symbol version (`open64@@GLIBC_2.2.5`), which .symtab spells out.
[[nodiscard]] std::string_view without_version(std::string_view name);

}  // namespace pghang
