#include "collectors/stack/symbol_index.h"

#include <gtest/gtest.h>

namespace pghang::test {
namespace {

/// An executable segment over [0, 0x1000), and a symbol table.
class Symbols {
 public:
  Symbols() {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_machine = EM_X86_64;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 1;
    Elf64_Phdr text{};
    text.p_type = PT_LOAD;
    text.p_flags = PF_R | PF_X;
    text.p_memsz = 0x1000;
    append(file_, header);
    append(file_, text);
  }

  void add(std::uint64_t value, std::uint64_t size, const std::string& name, unsigned type) {
    Elf64_Sym symbol{};
    symbol.st_name = static_cast<std::uint32_t>(strings_.size());
    symbol.st_info = static_cast<unsigned char>(ELF64_ST_INFO(STB_GLOBAL, type));
    symbol.st_shndx = 1;
    symbol.st_value = value;
    symbol.st_size = size;
    append(symbols_, symbol);
    strings_ += name + '\0';
  }

  void add(std::uint64_t value, std::uint64_t size, const std::string& name) {
    add(value, size, name, STT_FUNC);
  }

  void add_to(SymbolIndex& index, bool exported) const {
    index.add({symbols_, strings_}, ElfImage::parse(file_).value(), exported);
  }

  [[nodiscard]] SymbolIndex index(const PreferredNames& preferred = {}) const {
    SymbolIndex index;
    add_to(index, false);
    index.finish(preferred);
    return index;
  }

  /// The name at an address, empty when there is none.
  [[nodiscard]] std::string at(std::uint64_t address, const PreferredNames& preferred = {}) const {
    const SymbolIndex all = index(preferred);
    const auto symbol = all.covering(address);
    return symbol ? std::string(symbol->name) : std::string();
  }

 private:
  template <typename T>
  static void append(std::string& out, const T& value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  std::string file_;
  std::string symbols_;
  std::string strings_{'\0'};
};

TEST(SymbolIndex, TakesTheLastOfSeveralNamesByStrcmp) {
  Symbols symbols;
  symbols.add(0x100, 8, "open64");
  symbols.add(0x100, 8, "open");
  symbols.add(0x100, 8, "__open64");
  EXPECT_EQ(symbols.at(0x104), "open64");
}

TEST(SymbolIndex, TakesTheNameOfDwarfWhereItIsOneOfThem) {
  Symbols symbols;
  symbols.add(0x100, 8, "open64");
  symbols.add(0x100, 8, "__libc_open64");
  EXPECT_EQ(symbols.at(0x104, {{0x100, "__libc_open64"}}), "__libc_open64");
  EXPECT_EQ(symbols.at(0x104, {{0x100, "something_else"}}), "open64");
}

TEST(SymbolIndex, TakesAnExportedNameWhateverDebugPackagesAdd) {
  Symbols exported;
  exported.add(0x100, 8, "open");
  exported.add(0x100, 8, "__open64");
  Symbols debug;
  debug.add(0x100, 8, "__open64");
  debug.add(0x100, 8, "zz_internal_alias");
  debug.add(0x104, 2, "inner");
  debug.add(0x300, 8, "static_function");
  SymbolIndex bare;
  exported.add_to(bare, true);
  bare.finish({});
  SymbolIndex rich;
  exported.add_to(rich, true);
  debug.add_to(rich, false);
  rich.finish({{0x100, "__open64"}});
  for (const SymbolIndex* const index : {&bare, &rich}) {
    EXPECT_EQ(index->covering(0x105)->name, "open");
    EXPECT_TRUE(index->covering(0x105)->exported);
  }
  EXPECT_EQ(rich.covering(0x304)->name, "static_function");
  EXPECT_FALSE(rich.covering(0x304)->exported);
}

TEST(SymbolIndex, GivesACloneTheNameOfItsFunction) {
  Symbols symbols;
  symbols.add(0x100, 8, "read_file.isra.0");
  EXPECT_EQ(symbols.at(0x104), "read_file.isra.0");
  EXPECT_EQ(symbols.at(0x104, {{0x100, "read_file"}}), "read_file");
  EXPECT_EQ(symbols.at(0x104, {{0x100, "read"}}), "read_file.isra.0");
}

TEST(SymbolIndex, TakesTheInnerOfNestedSymbols) {
  Symbols symbols;
  symbols.add(0x100, 0x100, "outer");
  symbols.add(0x140, 0x10, "inner");
  EXPECT_EQ(symbols.at(0x13f), "outer");
  EXPECT_EQ(symbols.at(0x148), "inner");
  EXPECT_EQ(symbols.at(0x150), "outer");
}

TEST(SymbolIndex, LeavesOutWhatIsNoCode) {
  Symbols symbols;
  symbols.add(0x100, 8, "table", STT_OBJECT);
  symbols.add(0x2000, 8, "outside_of_text");
  symbols.add(0x200, 0, "no_size");
  symbols.add(0x300, 8, "assembler", STT_NOTYPE);
  EXPECT_EQ(symbols.at(0x104), "");
  EXPECT_EQ(symbols.at(0x2004), "");
  EXPECT_EQ(symbols.at(0x200), "");
  EXPECT_EQ(symbols.at(0x304), "assembler");
}

TEST(SymbolIndex, CutsVersionsOff) {
  Symbols symbols;
  symbols.add(0x100, 8, "memcpy@@GLIBC_2.14");
  EXPECT_EQ(symbols.at(0x100), "memcpy");
  EXPECT_TRUE(symbols.index().has("memcpy", 0x100));
  EXPECT_FALSE(symbols.index().has("memcpy", 0x101));
  EXPECT_FALSE(symbols.index().has("mem", 0x100));
}

}  // namespace
}  // namespace pghang::test
