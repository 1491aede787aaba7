#include "collectors/stack/plt.h"

#include "collectors/stack/symbol_index.h"

namespace pghang {

ImportTable::ImportTable(const ElfImage& image) {
  const SymbolTable symbols = image.symbol_table(SHT_DYNSYM);
  for (const Elf64_Shdr& section : image.sections()) {
    if (section.sh_type != SHT_RELA || section.sh_entsize != sizeof(Elf64_Rela)) continue;
    const std::string_view bytes = image.section_bytes(section);
    for (std::size_t i = 0; const auto relocation = record_at<Elf64_Rela>(bytes, i); ++i) {
      const std::uint64_t type = ELF64_R_TYPE(relocation->r_info);
      if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT) continue;
      const auto symbol = record_at<Elf64_Sym>(symbols.symbols, ELF64_R_SYM(relocation->r_info));
      if (!symbol) continue;
      const std::string_view name = without_version(string_at(symbols.strings, symbol->st_name));
      if (!name.empty()) slots_.emplace(relocation->r_offset, name);
    }
  }
}

std::string_view ImportTable::slot(std::uint64_t address) const {
  const auto found = slots_.find(address);
  return found == slots_.end() ? std::string_view() : found->second;
}

std::uint64_t slot_of_stub(const ElfImage& image, std::uint64_t address) {
  constexpr std::string_view endbr64 = "\xf3\x0f\x1e\xfa";
  constexpr std::string_view jump_through_rip = "\xff\x25";
  constexpr char bnd_prefix = '\xf2';
  constexpr std::uint64_t stub_size = 16;
  std::string_view code = image.memory(address, stub_size);
  if (code.starts_with(endbr64)) code.remove_prefix(endbr64.size());
  if (code.starts_with(bnd_prefix)) code.remove_prefix(1);
  if (!code.starts_with(jump_through_rip)) return 0;
  code.remove_prefix(jump_through_rip.size());
  const auto displacement = record_at<std::int32_t>(code, 0);
  if (!displacement) return 0;
  const std::uint64_t next =
      address + (image.memory(address, stub_size).size() - code.size()) + sizeof *displacement;
  return next + static_cast<std::uint64_t>(std::int64_t{*displacement});
}

}  // namespace pghang
