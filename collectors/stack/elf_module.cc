#include "collectors/stack/elf_module.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "collectors/stack/debug_data.h"
#include "collectors/stack/eh_frame.h"
#include "collectors/stack/elf_image.h"
#include "collectors/stack/plt.h"
#include "collectors/stack/server_version.h"
#include "collectors/stack/symbol_index.h"
#include "config/unique_fd.h"

namespace pghang {

namespace {

/// DWARF is read once, for names only. libc6-dbg has 3 MiB, postgresql-15-dbgsym 20.
constexpr std::uint64_t kMaxDwarfBytes = 64U << 20U;
constexpr std::uint64_t kPageMask = 4095;

std::uint64_t dwarf_bytes(const ElfImage& image) {
  const Elf64_Shdr* info = image.section(".debug_info");
  return info == nullptr ? 0 : info->sh_size;
}

}  // namespace

struct ElfModule::Impl {
  FileBytes file;
  ElfImage image;
  std::string mini_debug;  ///< unpacked .gnu_debugdata
  FileBytes debug_file;
  std::string build_id;
  std::string server_version;
  SymbolIndex functions;
  ImportTable imports;
  std::optional<UnwindTable> unwind_table;

  explicit Impl(FileBytes bytes) : file(std::move(bytes)) {}

  Result<void> load(const std::string& debug_root);
  void add_mini_debug();
  /// Returns names by DWARF where they are needed to choose between aliases.
  PreferredNames add_debug_file(const std::string& debug_root);
};

Result<void> ElfModule::Impl::load(const std::string& debug_root) {
  auto parsed = ElfImage::parse(file.view());
  if (!parsed) return parsed.error();
  image = std::move(*parsed);
  build_id = image.build_id();
  server_version = find_server_version(image);
  unwind_table = find_unwind_table(image);
  imports = ImportTable(image);
  functions.add(image.symbol_table(SHT_DYNSYM), image, true);
  functions.add(image.symbol_table(SHT_SYMTAB), image);
  add_mini_debug();
  functions.finish(add_debug_file(debug_root));
  return {};
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

PreferredNames ElfModule::Impl::add_debug_file(const std::string& debug_root) {
  const std::string path = debug_file_path(debug_root, build_id);
  if (path.empty()) return {};
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return {};
  auto bytes = FileBytes::map(fd.get());
  if (!bytes) return {};
  debug_file = std::move(*bytes);
  const auto inner = ElfImage::parse(debug_file.view());
  if (!inner || inner->build_id() != build_id) return {};
  functions.add(inner->symbol_table(SHT_SYMTAB), image);
  const std::uint64_t size = dwarf_bytes(*inner);
  if (size == 0 || size > kMaxDwarfBytes || !functions.ambiguous()) return {};
  return dwarf_function_names(fd.get());
}

ElfModule::ElfModule(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ElfModule::~ElfModule() = default;

Result<std::shared_ptr<const ElfModule>> ElfModule::open(int fd, const std::string& debug_root) {
  auto bytes = FileBytes::map(fd);
  if (!bytes) return bytes.error();
  auto impl = std::make_unique<Impl>(std::move(*bytes));
  const auto loaded = impl->load(debug_root);
  if (!loaded) return loaded.error();
  return std::shared_ptr<const ElfModule>(new ElfModule(std::move(impl)));
}

Result<std::shared_ptr<const ElfModule>> ElfModule::parse(std::string bytes) {
  auto impl = std::make_unique<Impl>(FileBytes(std::move(bytes)));
  const auto loaded = impl->load({});
  if (!loaded) return loaded.error();
  return std::shared_ptr<const ElfModule>(new ElfModule(std::move(impl)));
}

const std::string& ElfModule::build_id() const {
  return impl_->build_id;
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
