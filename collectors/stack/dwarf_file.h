#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/stack/symbol_index.h"

namespace pghang {

/// A function that an address belongs to, and where in its source.
struct SourcePlace {
  std::string function;    ///< DW_AT_linkage_name, else DW_AT_name; may be empty
  std::string file;        ///< as the compiler wrote it; empty: not known
  std::uint32_t line = 0;  ///< 0: not known
  bool inlined = false;    ///< into the function of the next place
};

/// The function whose code an address is, innermost first when others are inlined there: then the
/// last one is the function itself. Empty: not known.
using SourceChain = std::vector<SourcePlace>;

/// The DWARF of one ELF file, read by libdw from bytes that somebody else keeps. Takes foreign
/// bytes, and libdw is large: where it may cost time or crash is for the caller to choose.
class DwarfFile {
 public:
  /// `shared` is what dwz(1) moved out of `file` (.gnu_debugaltlink). Null when there is no
  /// .debug_info, when it refers to a shared part that is not given, or when the sections take more
  /// than 256 MiB unpacked: libdw would unpack all of them.
  [[nodiscard]] static std::unique_ptr<DwarfFile>
  open(std::string_view file, std::string_view shared = {});

  DwarfFile(const DwarfFile&) = delete;
  DwarfFile& operator=(const DwarfFile&) = delete;
  ~DwarfFile();

  /// Names of all functions by the start of each of their ranges.
  [[nodiscard]] PreferredNames function_names() const;
  [[nodiscard]] SourceChain source_of(std::uint64_t address) const;

 private:
  struct Impl;
  explicit DwarfFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Whether `file` has .debug_info at all.
[[nodiscard]] bool has_dwarf(std::string_view file);

}  // namespace pghang
