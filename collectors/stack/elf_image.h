#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"

namespace pghang {

/// A mapping of a whole file, or bytes that were given. Unmapped with its owner.
class FileBytes {
 public:
  FileBytes() = default;
  explicit FileBytes(std::string bytes);
  /// Maps all of `fd` for reading, privately. Errors: io, malformed (empty, not a regular file).
  [[nodiscard]] static Result<FileBytes> map(int fd);

  FileBytes(FileBytes&& other) noexcept;
  FileBytes& operator=(FileBytes&& other) noexcept;
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  ~FileBytes();

  [[nodiscard]] std::string_view view() const {
    return mapped_ != nullptr ? std::string_view(static_cast<const char*>(mapped_), size_)
                              : std::string_view(own_);
  }

  /// Gives back the memory of what was read so far; what is looked at again comes from the page
  /// cache. Nothing of bytes that are no file's.
  void release_pages() const;

 private:
  std::string own_;
  void* mapped_ = nullptr;
  std::size_t size_ = 0;
};

/// A symbol table section with its strings.
struct SymbolTable {
  std::string_view symbols;  ///< Elf64_Sym records
  std::string_view strings;
};

/// The headers of an x86-64 ELF file, over bytes that somebody else keeps. Every access is checked:
/// what points outside the file reads as empty.
class ElfImage {
 public:
  /// Errors: malformed, unsupported (not 64-bit little-endian x86-64).
  [[nodiscard]] static Result<ElfImage> parse(std::string_view file);

  [[nodiscard]] const std::vector<Elf64_Phdr>& segments() const { return segments_; }

  [[nodiscard]] const std::vector<Elf64_Shdr>& sections() const { return sections_; }

  [[nodiscard]] std::string_view file_bytes(std::uint64_t offset, std::uint64_t size) const;
  [[nodiscard]] std::string_view section_bytes(const Elf64_Shdr& section) const;
  [[nodiscard]] std::string_view section_name(const Elf64_Shdr& section) const;
  [[nodiscard]] const Elf64_Shdr* section(std::string_view name) const;
  /// The first table of `type` (SHT_DYNSYM or SHT_SYMTAB); empty when there is none.
  [[nodiscard]] SymbolTable symbol_table(std::uint32_t type) const;
  /// File bytes from an address of a PT_LOAD on: at most `size`, fewer at the end of the segment.
  [[nodiscard]] std::string_view memory(std::uint64_t address, std::uint64_t size) const;
  /// True when `address` is in an executable segment.
  [[nodiscard]] bool executable(std::uint64_t address) const;
  [[nodiscard]] std::string build_id() const;

 private:
  std::string_view file_;
  std::vector<Elf64_Phdr> segments_;
  std::vector<Elf64_Shdr> sections_;
  std::string_view section_names_;
};

/// The record at `index` of a packed array; nothing when it is not all there.
template <typename T>
[[nodiscard]] std::optional<T> record_at(std::string_view bytes, std::size_t index) {
  if (index >= bytes.size() / sizeof(T)) return std::nullopt;
  T record;
  std::memcpy(&record, bytes.data() + index * sizeof(T), sizeof(T));
  return record;
}

/// Two lower-case digits for each byte.
[[nodiscard]] std::string hex_text(std::string_view bytes);

/// The NUL-terminated string at `offset`; empty when it does not end inside `strings`.
[[nodiscard]] std::string_view string_at(std::string_view strings, std::uint64_t offset);

}  // namespace pghang
