#include "collectors/stack/elf_module.h"

#include <algorithm>
#include <utility>

#include "collectors/stack/debug_data.h"
#include "collectors/stack/debug_files.h"
#include "collectors/stack/dwarf_file.h"
#include "collectors/stack/eh_frame.h"
#include "collectors/stack/elf_image.h"
#include "collectors/stack/plt.h"
#include "collectors/stack/server_version.h"
#include "collectors/stack/symbol_index.h"

namespace pghang {

namespace {

constexpr std::uint64_t kPageMask = 4095;

}  // namespace

struct ElfModule::Impl {
  /// Shared: a module and the one that with_debug_file() makes of it map the file once.
  std::shared_ptr<const FileBytes> file;
  ElfImage image;
  std::string mini_debug;  ///< unpacked .gnu_debugdata
  DebugFile debug;
  std::string build_id;
  std::string server_version;
  SymbolIndex functions;
  ImportTable imports;
  std::optional<UnwindTable> unwind_table;

  explicit Impl(std::shared_ptr<const FileBytes> bytes) : file(std::move(bytes)) {}

  Result<void> parse();
  void index(std::optional<DebugFile> debug_file);
  void add_mini_debug();
  void add_debug_file();
  [[nodiscard]] std::string_view dwarf() const;
};

Result<void> ElfModule::Impl::parse() {
  auto parsed = ElfImage::parse(file->view());
  if (!parsed) return parsed.error();
  image = std::move(*parsed);
  build_id = image.build_id();
  server_version = find_server_version(image);
  unwind_table = find_unwind_table(image);
  imports = ImportTable(image);
  return {};
}

void ElfModule::Impl::index(std::optional<DebugFile> debug_file) {
  functions.add(image.symbol_table(SHT_DYNSYM), image, true);
  functions.add(image.symbol_table(SHT_SYMTAB), image);
  add_mini_debug();
  if (debug_file) {
    debug = std::move(*debug_file);
    add_debug_file();
  }
  // To choose between aliases. Only of our own files: libdw is large, and this process lives on.
  const auto names = debug.ours && functions.ambiguous()
                         ? DwarfFile::open(debug.file.view(), debug.shared.view())
                         : nullptr;
  functions.finish(names == nullptr ? PreferredNames() : names->function_names());
  // Parsing has read far more of them than unwinding will.
  file->release_pages();
  debug.file.release_pages();
  debug.shared.release_pages();
}

void ElfModule::Impl::add_mini_debug() {
  const Elf64_Shdr* section = image.section(".gnu_debugdata");
  if (section == nullptr) return;
  auto unpacked = unpack_xz(image.section_bytes(*section));
  if (!unpacked) return;
  mini_debug = std::move(*unpacked);
  const auto inner = ElfImage::parse(mini_debug);
  if (inner) functions.add(inner->symbol_table(SHT_SYMTAB), image);
}

void ElfModule::Impl::add_debug_file() {
  const auto inner = ElfImage::parse(debug.file.view());
  if (inner) functions.add(inner->symbol_table(SHT_SYMTAB), image);
}

std::string_view ElfModule::Impl::dwarf() const {
  if (has_dwarf(debug.file.view())) return debug.file.view();
  return has_dwarf(file->view()) ? file->view() : std::string_view();
}

ElfModule::ElfModule(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ElfModule::~ElfModule() = default;

Result<std::shared_ptr<const ElfModule>>
ElfModule::load(FileBytes file, const DebugPlaces& places) {
  auto impl = std::make_unique<Impl>(std::make_shared<const FileBytes>(std::move(file)));
  const auto parsed = impl->parse();
  if (!parsed) return parsed.error();
  impl->index(find_debug_file(places, impl->image));
  return std::shared_ptr<const ElfModule>(new ElfModule(std::move(impl)));
}

Result<std::shared_ptr<const ElfModule>> ElfModule::open(int fd, const DebugPlaces& places) {
  auto bytes = FileBytes::map(fd);
  if (!bytes) return bytes.error();
  return load(std::move(*bytes), places);
}

Result<std::shared_ptr<const ElfModule>> ElfModule::parse(std::string bytes) {
  return load(FileBytes(std::move(bytes)));
}

std::shared_ptr<const ElfModule> ElfModule::with_debug_file(int fd) const {
  auto debug_file = accept_debug_file(fd, impl_->image);
  if (!debug_file) return nullptr;
  auto impl = std::make_unique<Impl>(impl_->file);
  if (!impl->parse()) return nullptr;
  impl->index(std::move(debug_file));
  return std::shared_ptr<const ElfModule>(new ElfModule(std::move(impl)));
}

const std::string& ElfModule::build_id() const {
  return impl_->build_id;
}

std::size_t ElfModule::file_bytes() const {
  return impl_->file->view().size();
}

std::size_t ElfModule::bytes() const {
  return file_bytes() + impl_->debug.file.view().size() + impl_->debug.shared.view().size() +
         impl_->mini_debug.size() + impl_->functions.bytes() + impl_->imports.bytes();
}

std::string_view ElfModule::dwarf() const {
  return impl_->dwarf();
}

std::string_view ElfModule::shared_dwarf() const {
  return impl_->debug.shared.view();
}

const std::string& ElfModule::server_version() const {
  return impl_->server_version;
}

std::optional<ElfSymbol> ElfModule::function_at(std::uint64_t address) const {
  return impl_->functions.covering(address);
}

std::optional<ElfSymbol> ElfModule::find(std::string_view name) const {
  for (const std::uint32_t type : {std::uint32_t{SHT_DYNSYM}, std::uint32_t{SHT_SYMTAB}}) {
    const SymbolTable table = impl_->image.symbol_table(type);
    for (std::size_t i = 0; const auto symbol = record_at<Elf64_Sym>(table.symbols, i); ++i) {
      if (symbol->st_shndx == SHN_UNDEF) continue;
      const std::string_view text = string_at(table.strings, symbol->st_name);
      if (text.starts_with(name) && without_version(text) == name) {
        return ElfSymbol{
            symbol->st_value,
            symbol->st_size,
            text.substr(0, name.size()),
            type == SHT_DYNSYM};
      }
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ElfModule::fde_start(std::uint64_t address) const {
  const auto range = function_range(address);
  return range ? std::optional(range->start) : std::nullopt;
}

std::optional<FunctionRange> ElfModule::function_range(std::uint64_t address) const {
  if (!impl_->unwind_table) return std::nullopt;
  return find_function_range(impl_->image, *impl_->unwind_table, address);
}

std::optional<UnwindTable> ElfModule::unwind_table() const {
  return impl_->unwind_table;
}

std::string_view ElfModule::import_of_stub(std::uint64_t address) const {
  const std::uint64_t slot = slot_of_stub(impl_->image, address);
  return slot == 0 ? std::string_view() : import_of_slot(slot);
}

std::string_view ElfModule::import_of_slot(std::uint64_t address) const {
  return impl_->imports.slot(address);
}

bool ElfModule::exports(std::string_view name, std::uint64_t address) const {
  return impl_->functions.has(name, address);
}

bool ElfModule::in_plt(std::uint64_t address) const {
  const auto& sections = impl_->image.sections();
  return std::any_of(sections.begin(), sections.end(), [&](const Elf64_Shdr& section) {
    return address >= section.sh_addr && address - section.sh_addr < section.sh_size &&
           impl_->image.section_name(section).starts_with(".plt");
  });
}

std::string_view ElfModule::bytes_at(std::uint64_t address, std::size_t size) const {
  return impl_->image.memory(address, size);
}

std::optional<std::uint64_t>
ElfModule::address_of_offset(std::uint64_t file_offset, bool executable) const {
  std::optional<std::uint64_t> other;
  for (const Elf64_Phdr& segment : impl_->image.segments()) {
    if (segment.p_type != PT_LOAD) continue;
    // The kernel maps whole pages: a mapping may start before the segment's first byte.
    const std::uint64_t first_page = segment.p_offset & ~kPageMask;
    const std::uint64_t end = segment.p_offset + segment.p_filesz;
    if (file_offset < first_page || file_offset >= end) continue;
    const std::uint64_t address = file_offset - segment.p_offset + segment.p_vaddr;
    if (((segment.p_flags & PF_X) != 0) == executable) return address;
    other = address;
  }
  return other;
}

}  // namespace pghang
