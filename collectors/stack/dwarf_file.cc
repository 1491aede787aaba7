#include "collectors/stack/dwarf_file.h"

#include <dwarf.h>
#include <elfutils/libdw.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <span>
#include <utility>

#include <libelf.h>

#include "collectors/stack/elf_image.h"

namespace pghang {

namespace {

/// All .debug_* of libc6-dbg take 13 MiB unpacked, those of PostgreSQL 15 about 60.
constexpr std::uint64_t kMaxUnpacked = 256U << 20U;
constexpr std::size_t kMaxText = 1024;
constexpr std::size_t kMaxInlined = 64;

struct Free {
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): libdw allocates with malloc
  void operator()(Dwarf_Die* dies) const { std::free(dies); }
};

struct ElfEnd {
  void operator()(Elf* elf) const { elf_end(elf); }
};

struct DwarfEnd {
  void operator()(Dwarf* dwarf) const { dwarf_end(dwarf); }
};

/// What libdw would unpack of the section; nothing when its header is cut.
std::optional<std::uint64_t> unpacked_bytes(const ElfImage& image, const Elf64_Shdr& section) {
  if ((section.sh_flags & SHF_COMPRESSED) == 0) return section.sh_size;
  const auto header = record_at<Elf64_Chdr>(image.section_bytes(section), 0);
  if (!header) return std::nullopt;
  return header->ch_size;
}

bool worth_reading(const ElfImage& image) {
  bool has_info = false;
  std::uint64_t all = 0;
  for (const Elf64_Shdr& section : image.sections()) {
    const std::string_view name = image.section_name(section);
    if (!name.starts_with(".debug_") && !name.starts_with(".zdebug_")) continue;
    if (section.sh_type == SHT_NOBITS) continue;
    const auto bytes = unpacked_bytes(image, section);
    // The older form has its size where it is not worth looking for.
    if (!bytes || *bytes > kMaxUnpacked || name.starts_with(".zdebug_")) return false;
    all += *bytes;
    has_info = has_info || name == ".debug_info";
  }
  return has_info && all <= kMaxUnpacked;
}

std::string text_of(const char* text) {
  return text == nullptr ? std::string() : std::string(text).substr(0, kMaxText);
}

const char* name_of(Dwarf_Die* function) {
  Dwarf_Attribute attribute;
  const char* name = nullptr;
  if (dwarf_attr_integrate(function, DW_AT_linkage_name, &attribute) != nullptr) {
    name = dwarf_formstring(&attribute);
  }
  return name == nullptr ? dwarf_diename(function) : name;
}

int remember_name(Dwarf_Die* function, void* context) {
  const char* name = name_of(function);
  if (name == nullptr) return DWARF_CB_OK;
  // A function with a cold part has several ranges.
  auto& names = *static_cast<PreferredNames*>(context);
  Dwarf_Addr base = 0;
  Dwarf_Addr start = 0;
  Dwarf_Addr end = 0;
  std::ptrdiff_t next = 0;
  while ((next = dwarf_ranges(function, next, &base, &start, &end)) > 0) {
    // Assembler functions have an entry for each alias; gdb shows the last.
    names.insert_or_assign(start, name);
  }
  return DWARF_CB_OK;
}

bool unit_of(Dwarf* dwarf, Dwarf_Addr address, Dwarf_Die& unit) {
  if (dwarf_addrdie(dwarf, address, &unit) != nullptr) return true;
  // Clang writes no .debug_aranges.
  Dwarf_CU* cu = nullptr;
  while (dwarf_get_units(dwarf, cu, &cu, nullptr, nullptr, &unit, nullptr) == 0)
    if (dwarf_haspc(&unit, address) == 1) return true;
  return false;
}

Dwarf_Addr address_of(Dwarf_Line* line) {
  Dwarf_Addr address = 0;
  return dwarf_lineaddr(line, &address) == 0 ? address : 0;
}

/// The last row at or before an address; of several at one address the last that begins a
/// statement, as gdb has it (find_pc_sect_line).
Dwarf_Line* row_of(Dwarf_Die& unit, Dwarf_Addr address) {
  Dwarf_Line* const last = dwarf_getsrc_die(&unit, address);
  Dwarf_Lines* rows = nullptr;
  std::size_t count = 0;
  if (last == nullptr || dwarf_getsrclines(&unit, &rows, &count) != 0) return last;
  const Dwarf_Addr start = address_of(last);
  std::size_t end = 0;  // rows before it are at or before start
  for (std::size_t high = count; end < high;) {
    const std::size_t middle = end + (high - end) / 2;
    if (address_of(dwarf_onesrcline(rows, middle)) <= start) {
      end = middle + 1;
    } else {
      high = middle;
    }
  }
  for (; end > 0; --end) {
    Dwarf_Line* row = dwarf_onesrcline(rows, end - 1);
    bool begins = false;
    if (address_of(row) != start) break;
    if (dwarf_linebeginstatement(row, &begins) == 0 && begins) return row;
  }
  return last;
}

/// Line and file that the line table has for an address.
void put_line(Dwarf_Die& unit, Dwarf_Addr address, SourcePlace& place) {
  Dwarf_Line* line = row_of(unit, address);
  int number = 0;
  if (line == nullptr || dwarf_lineno(line, &number) != 0 || number <= 0) return;
  place.file = text_of(dwarf_linesrc(line, nullptr, nullptr));
  place.line = static_cast<std::uint32_t>(number);
}

std::uint64_t number_in(Dwarf_Die& die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_attr(&die, name, &attribute) == nullptr) return 0;
  return dwarf_formudata(&attribute, &value) == 0 ? value : 0;
}

/// Where the inlined function `call` is called.
void put_call(Dwarf_Die& unit, Dwarf_Die& call, SourcePlace& place) {
  place.file.clear();
  place.line = static_cast<std::uint32_t>(number_in(call, DW_AT_call_line));
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  const std::uint64_t file = number_in(call, DW_AT_call_file);
  if (dwarf_getsrcfiles(&unit, &files, &count) != 0 || file >= count) return;
  place.file = text_of(dwarf_filesrc(files, file, nullptr, nullptr));
}

}  // namespace

namespace {

bool has_compressed_sections(const ElfImage& image) {
  return std::any_of(image.sections().begin(), image.sections().end(), [](const auto& section) {
    return (section.sh_flags & SHF_COMPRESSED) != 0;
  });
}

/// libdw over bytes.
struct Reading {
  std::string copy;
  std::unique_ptr<Elf, ElfEnd> elf;
  std::unique_ptr<Dwarf, DwarfEnd> dwarf;

  bool begin(std::string_view file) {
    const auto image = ElfImage::parse(file);
    if (!image || !worth_reading(*image)) return false;
    // Where libelf unpacks a section it changes its header, in the bytes that it was given.
    if (has_compressed_sections(*image)) {
      copy = file;
      file = copy;
    }
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): it changes nothing else
    elf.reset(elf_memory(const_cast<char*>(file.data()), file.size()));
    if (elf != nullptr) dwarf.reset(dwarf_begin_elf(elf.get(), DWARF_C_READ, nullptr));
    return dwarf != nullptr;
  }
};

}  // namespace

struct DwarfFile::Impl {
  Reading shared;
  Reading own;

  [[nodiscard]] Dwarf* dwarf() const { return own.dwarf.get(); }
};

DwarfFile::DwarfFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

DwarfFile::~DwarfFile() = default;

std::unique_ptr<DwarfFile> DwarfFile::open(std::string_view file, std::string_view shared) {
  const auto image = ElfImage::parse(file);
  if (!image) return nullptr;
  const bool refers = image->section(".gnu_debugaltlink") != nullptr;
  // libdw would open the file itself, and wait for it if it is a FIFO.
  if (refers && shared.empty()) return nullptr;
  elf_version(EV_CURRENT);
  auto impl = std::make_unique<Impl>();
  if (!impl->own.begin(file)) return nullptr;
  if (refers) {
    if (!impl->shared.begin(shared)) return nullptr;
    dwarf_setalt(impl->dwarf(), impl->shared.dwarf.get());
  }
  return std::unique_ptr<DwarfFile>(new DwarfFile(std::move(impl)));
}

PreferredNames DwarfFile::function_names() const {
  PreferredNames names;
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die;
  while (dwarf_get_units(impl_->dwarf(), unit, &unit, nullptr, nullptr, &die, nullptr) == 0)
    dwarf_getfuncs(&die, remember_name, &names, 0);
  return names;
}

SourceChain DwarfFile::source_of(std::uint64_t address) const {
  Dwarf_Die unit;
  if (!unit_of(impl_->dwarf(), address, unit)) return {};
  SourcePlace place;
  put_line(unit, address, place);

  Dwarf_Die* found = nullptr;
  const int depth = dwarf_getscopes(&unit, address, &found);
  const std::unique_ptr<Dwarf_Die, Free> scopes(found);
  if (depth <= 0) return {};
  // Of an inlined function the first call gives the scopes of its definition, not of its caller.
  Dwarf_Die* nested = nullptr;
  const int levels = dwarf_getscopes_die(scopes.get(), &nested);
  const std::unique_ptr<Dwarf_Die, Free> owner(nested);
  SourceChain chain;
  for (Dwarf_Die& scope : std::span(nested, levels > 0 ? static_cast<std::size_t>(levels) : 0)) {
    const int tag = dwarf_tag(&scope);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
    place.function = text_of(name_of(&scope));
    place.inlined = tag == DW_TAG_inlined_subroutine;
    chain.push_back(place);
    if (!place.inlined) return chain;
    if (chain.size() == kMaxInlined) break;
    put_call(unit, scope, place);
  }
  // Assembler code has lines and may have no functions.
  return chain.empty() && place.line != 0 ? SourceChain{place} : SourceChain();
}

bool has_dwarf(std::string_view file) {
  const auto image = ElfImage::parse(file);
  const Elf64_Shdr* section = image ? image->section(".debug_info") : nullptr;
  return section != nullptr && section->sh_type != SHT_NOBITS && section->sh_size != 0;
}

}  // namespace pghang
