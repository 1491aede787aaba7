#include "collectors/stack/dwarf_file.h"

#include <elf.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "collectors/stack/elf_module.h"
#include "tests/collectors/stack/fixture.h"
#include "tests/collectors/stack/gdb_backtrace.h"

namespace pghang::test {
namespace {

constexpr const char* kLibrary = PGHANG_TARGET_DIR "/libtarget_library.so";

/// The address of a function's first instruction behind its prologue.
std::uint64_t inside(const std::string& file, const char* function) {
  const auto module = ElfModule::parse(file).value();
  return module->find(function).value().value + 4;
}

/// The library after objcopy did something to it.
std::string changed(const std::string& how) {
  std::string name = "/tmp/pghang-dwarf-XXXXXX";
  const UniqueFd made(::mkstemp(name.data()));
  EXPECT_EQ(output_of("objcopy " + how + " " + kLibrary + " " + name + " 2>&1"), "");
  std::string bytes = file_text(name);
  ::unlink(name.c_str());
  return bytes;
}

TEST(DwarfFile, KnowsFunctionFileAndLineOfAnAddress) {
  const std::string file = file_text(kLibrary);
  const auto dwarf = DwarfFile::open(file);
  ASSERT_NE(dwarf, nullptr);
  const SourceChain chain = dwarf->source_of(inside(file, "pghang_through_library"));
  ASSERT_FALSE(chain.empty());
  EXPECT_EQ(chain.back().function, "pghang_through_library");
  EXPECT_FALSE(chain.back().inlined);
  EXPECT_TRUE(chain.back().file.ends_with("tests/collectors/stack/target/library.cc"))
      << chain.back().file;
  EXPECT_GT(chain.back().line, 20U);
  EXPECT_TRUE(dwarf->source_of(0x10).empty());
  EXPECT_TRUE(dwarf->source_of(~std::uint64_t{0}).empty());
}

TEST(DwarfFile, HasLinkageNamesOfMethods) {
  const std::string file = file_text(kLibrary);
  const auto dwarf = DwarfFile::open(file);
  ASSERT_NE(dwarf, nullptr);
  const char* name = "_ZNK13pghang_target6Caller9call_withEi";
  const SourceChain chain = dwarf->source_of(inside(file, name));
  ASSERT_FALSE(chain.empty());
  EXPECT_EQ(chain.back().function, name);
}

TEST(DwarfFile, ReadsCompressedSections) {
  const std::string file = changed("--compress-debug-sections");
  const auto dwarf = DwarfFile::open(file);
  ASSERT_NE(dwarf, nullptr);
  EXPECT_FALSE(dwarf->source_of(inside(file, "pghang_through_library")).empty());
}

TEST(DwarfFile, IsNotReadWhenItClaimsToUnpackToAnything) {
  std::string file = changed("--compress-debug-sections");
  const auto image = ElfImage::parse(file).value();
  const Elf64_Shdr* info = image.section(".debug_info");
  ASSERT_NE(info, nullptr);
  ASSERT_NE(info->sh_flags & SHF_COMPRESSED, 0U);
  const std::uint64_t claimed = std::uint64_t{1} << 40U;
  std::memcpy(
      file.data() + info->sh_offset + offsetof(Elf64_Chdr, ch_size),
      &claimed,
      sizeof claimed
  );
  EXPECT_EQ(DwarfFile::open(file), nullptr);
}

TEST(DwarfFile, IsNotReadWithoutThePartThatItShares) {
  std::string name = "/tmp/pghang-link-XXXXXX";
  const UniqueFd made(::mkstemp(name.data()));
  ASSERT_TRUE(write_file(name, std::string("/tmp/fifo\0", 10) + std::string(20, 'x')));
  const std::string file = changed("--add-section=.gnu_debugaltlink=" + name);
  ::unlink(name.c_str());
  EXPECT_TRUE(has_dwarf(file));
  EXPECT_EQ(DwarfFile::open(file), nullptr) << "libdw would look for it, and may hang";
}

TEST(DwarfFile, IsNoneInAStrippedFile) {
  const std::string file = changed("--strip-all");
  EXPECT_FALSE(has_dwarf(file));
  EXPECT_EQ(DwarfFile::open(file), nullptr);
  EXPECT_EQ(DwarfFile::open(""), nullptr);
  EXPECT_EQ(DwarfFile::open("no ELF"), nullptr);
}

/// In a child, as the worker does it: libdw is not ours to mend. Whatever happens in it, it ends.
TEST(DwarfFile, ThatIsDamagedEnds) {
  const std::string whole = file_text(kLibrary);
  const auto image = ElfImage::parse(whole).value();
  const std::uint64_t address = inside(whole, "pghang_through_library");
  constexpr unsigned seeds = 200;
  constexpr unsigned flips = 20;
  unsigned poorer = 0;
  for (unsigned seed = 0; seed < seeds; ++seed) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(10);
      std::mt19937 random(seed);
      std::string bytes = whole;
      for (const char* name : {".debug_info", ".debug_abbrev", ".debug_line"}) {
        const Elf64_Shdr* section = image.section(name);
        for (unsigned i = 0; i < flips; ++i)
          bytes[section->sh_offset + random() % section->sh_size] = static_cast<char>(random());
      }
      const auto dwarf = DwarfFile::open(bytes);
      ::_exit(dwarf != nullptr && !dwarf->source_of(address).empty() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_FALSE(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) << "seed " << seed;
    poorer += status == 0 ? 0 : 1;
  }
  EXPECT_GT(poorer, 0U);
}

}  // namespace
}  // namespace pghang::test
