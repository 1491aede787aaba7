#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"

namespace pghang {

/// A symbol that names code or data. `value` is the address in the file's own numbering (before
/// load bias).
struct ElfSymbol {
  std::uint64_t value = 0;
  std::uint64_t size = 0;
  std::string_view name;  ///< lives as long as the module
};

/// One parsed ELF file: symbols (.dynsym, .symtab, .gnu_debugdata), unwind tables, program headers,
/// text. Immutable after load; memory is bounded by the file. Takes foreign bytes: anything broken
/// in it makes it poorer, never undefined.
class ElfModule {
 public:
  /// Parses a file opened by the caller, or bytes (vDSO, fixtures). Errors: malformed, io.
  [[nodiscard]] static Result<std::shared_ptr<const ElfModule>> open(int fd);
  [[nodiscard]] static Result<std::shared_ptr<const ElfModule>> parse(std::string bytes);

  ElfModule(const ElfModule&) = delete;
  ElfModule& operator=(const ElfModule&) = delete;
  ~ElfModule();

  [[nodiscard]] const std::string& build_id() const;  ///< lower-case hex, may be empty
  /// The function whose symbol's size covers `address`. A symbol of size 0 covers nothing.
  [[nodiscard]] std::optional<ElfSymbol> function_at(std::uint64_t address) const;
  /// A symbol by exact name, data or function.
  [[nodiscard]] std::optional<ElfSymbol> find(std::string_view name) const;
  /// Start of the FDE that covers `address`, by .eh_frame_hdr's table and checked against the FDE's
  /// range.
  [[nodiscard]] std::optional<std::uint64_t> fde_start(std::uint64_t address) const;
  /// File bytes at an address of an allocated segment; empty when not there. At most `size` bytes.
  [[nodiscard]] std::string_view bytes_at(std::uint64_t address, std::size_t size) const;
  /// Address in the file's numbering for a file offset that a mapping shows; nothing when no
  /// PT_LOAD covers it.
  [[nodiscard]] std::optional<std::uint64_t> address_of_offset(std::uint64_t file_offset) const;

  struct Impl;

  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  explicit ElfModule(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pghang
