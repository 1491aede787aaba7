#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/stack/debug_files.h"
#include "config/result.h"

namespace pghang {

/// A symbol that names code or data. `value` is the address in the file's own numbering (before
/// load bias).
struct ElfSymbol {
  std::uint64_t value = 0;
  std::uint64_t size = 0;
  std::string_view name;  ///< lives as long as the module
  bool exported = false;  ///< in .dynsym: no debug package adds or removes it
};

/// The range of one FDE, in the file's own numbering.
struct FunctionRange {
  std::uint64_t start = 0;
  std::uint64_t end = 0;        ///< behind the last byte
  bool signal_frame = false;    ///< its CIE's augmentation has an `S`: a signal trampoline
  std::uint64_t fde_entry = 0;  ///< address of its entry in .eh_frame_hdr's search table
};

/// .eh_frame_hdr, in the file's own numbering.
struct UnwindTable {
  std::uint64_t header = 0;  ///< address of .eh_frame_hdr; the table's entries are relative to it
  std::uint64_t entries = 0;
  std::uint64_t count = 0;
};

/// One parsed ELF file: symbols (.dynsym, .symtab, .gnu_debugdata), unwind tables, program headers,
/// text. Immutable after load; memory is bounded by the file. Takes foreign bytes: anything broken
/// in it makes it poorer, never undefined.
class ElfModule {
 public:
  /// Parses a file, with the separate debug file that is found in `places`. Errors: malformed,
  /// unsupported.
  [[nodiscard]] static Result<std::shared_ptr<const ElfModule>>
  load(FileBytes file, const DebugPlaces& places = {});
  /// The same of a file opened by the caller; `fd` is only used during the call. Errors: io, too.
  [[nodiscard]] static Result<std::shared_ptr<const ElfModule>>
  open(int fd, const DebugPlaces& places = {});
  /// The same of bytes (vDSO, fixtures).
  [[nodiscard]] static Result<std::shared_ptr<const ElfModule>> parse(std::string bytes);
  /// This module with a debug file that came later. Null when `fd` is not its debug file.
  [[nodiscard]] std::shared_ptr<const ElfModule> with_debug_file(int fd) const;

  ElfModule(const ElfModule&) = delete;
  ElfModule& operator=(const ElfModule&) = delete;
  ~ElfModule();

  [[nodiscard]] const std::string& build_id() const;  ///< lower-case hex, may be empty
  [[nodiscard]] std::size_t file_bytes() const;       ///< size of the file itself
  /// What it takes: all that is mapped, touched or not, and all that was parsed.
  [[nodiscard]] std::size_t bytes() const;
  /// The file with its .debug_info, for DwarfFile, and what is shared; empty when there is none.
  [[nodiscard]] std::string_view dwarf() const;
  [[nodiscard]] std::string_view shared_dwarf() const;
  /// `15.20` of PostgreSQL's executable; empty of anything else.
  [[nodiscard]] const std::string& server_version() const;
  /// The function whose symbol's size covers `address`, by its exported name where it has one. A
  /// symbol of size 0 covers nothing.
  [[nodiscard]] std::optional<ElfSymbol> function_at(std::uint64_t address) const;
  /// A symbol by exact name, data or function.
  [[nodiscard]] std::optional<ElfSymbol> find(std::string_view name) const;
  /// Start of the FDE that covers `address`, by .eh_frame_hdr's table and checked against the FDE's
  /// range.
  [[nodiscard]] std::optional<std::uint64_t> fde_start(std::uint64_t address) const;
  /// The FDE that covers `address`; what fde_start() is taken from.
  [[nodiscard]] std::optional<FunctionRange> function_range(std::uint64_t address) const;
  /// Where unwind tables lie, for dwarf_search_unwind_table(); nothing when there are none.
  [[nodiscard]] std::optional<UnwindTable> unwind_table() const;
  /// The imported symbol that the PLT stub at `address` jumps to, or that the GOT slot at `address`
  /// holds, by the relocations in the file. Empty when it is neither.
  [[nodiscard]] std::string_view import_of_stub(std::uint64_t address) const;
  [[nodiscard]] std::string_view import_of_slot(std::uint64_t address) const;
  /// True when `name` is exported at exactly `address`.
  [[nodiscard]] bool exports(std::string_view name, std::uint64_t address) const;
  /// True when `address` is inside a section of PLT stubs.
  [[nodiscard]] bool in_plt(std::uint64_t address) const;
  /// File bytes at an address of an allocated segment; empty when not there. At most `size` bytes.
  [[nodiscard]] std::string_view bytes_at(std::uint64_t address, std::size_t size) const;
  /// Address in the file's numbering for a file offset that a mapping shows; nothing when no
  /// PT_LOAD covers it. Where two segments share the page, the one whose executability fits.
  [[nodiscard]] std::optional<std::uint64_t>
  address_of_offset(std::uint64_t file_offset, bool executable = true) const;

  struct Impl;

  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  explicit ElfModule(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pghang
