#include "collectors/stack/elf_module.h"

#include <fcntl.h>

#include <gtest/gtest.h>

#include "config/unique_fd.h"
#include "tests/collectors/stack/elf_builder.h"
#include "tests/collectors/stack/fixture.h"

namespace pghang::test {
namespace {

constexpr std::uint64_t kFirst = 0x1000;
constexpr std::uint64_t kSecond = 0x1010;

std::shared_ptr<const ElfModule> two_functions() {
  return ElfModule::parse(build_elf({
                              {"first", kFirst, std::string(8, '\x90'), ""},
                              {"second", kSecond, std::string(8, '\x90'), ""},
                          }))
      .value();
}

/// A shared object that is part of every Debian, opened as the worker does it.
std::shared_ptr<const ElfModule> libc() {
  const UniqueFd fd(::open("/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY | O_CLOEXEC));
  return ElfModule::open(fd.get()).value();
}

TEST(ElfModule, NamesOnlyWhatASymbolCovers) {
  const auto module = two_functions();
  EXPECT_FALSE(module->function_at(kFirst - 1));
  EXPECT_EQ(module->function_at(kFirst)->name, "first");
  EXPECT_EQ(module->function_at(kFirst + 7)->name, "first");
  EXPECT_FALSE(module->function_at(kFirst + 8));
  EXPECT_FALSE(module->function_at(kSecond - 1));
  EXPECT_EQ(module->function_at(kSecond + 7)->name, "second");
  EXPECT_FALSE(module->function_at(kSecond + 8));
  EXPECT_FALSE(module->function_at(~std::uint64_t{0}));
}

TEST(ElfModule, ASymbolWithoutSizeCoversNothing) {
  const auto module = ElfModule::parse(build_elf({{"empty", kFirst, "", ""}})).value();
  EXPECT_FALSE(module->function_at(kFirst));
}

TEST(ElfModule, OfSeveralNamesItTakesTheOneThatGdbTakes) {
  // gdb: the last by strcmp.
  const std::string code(8, '\x90');
  const auto module = ElfModule::parse(build_elf({
                                           {"__open", kFirst, code, ""},
                                           {"open64", kFirst, code, "", false, false},
                                           {"open", kFirst, code, "", false, false},
                                       }))
                          .value();
  EXPECT_EQ(module->function_at(kFirst + 1)->name, "open64");
}

TEST(ElfModule, FindsRangesOfFdes) {
  const auto module = two_functions();
  EXPECT_EQ(module->fde_start(kFirst + 7), kFirst);
  EXPECT_EQ(module->fde_start(kSecond), kSecond);
  EXPECT_FALSE(module->fde_start(kFirst - 1));
  EXPECT_FALSE(module->fde_start(kFirst + 8));
  EXPECT_FALSE(module->fde_start(kSecond + 8));
  EXPECT_EQ(module->function_range(kFirst)->end, kFirst + 8);
}

TEST(ElfModule, KnowsSignalTrampolines) {
  const auto module =
      ElfModule::parse(build_elf({{"t", kFirst, "\x90\x90", "", true}, {"f", kSecond, "\x90", ""}})
      ).value();
  EXPECT_TRUE(module->function_range(kFirst)->signal_frame);
  EXPECT_FALSE(module->function_range(kSecond)->signal_frame);
}

TEST(ElfModule, FindsSymbolsByExactName) {
  const auto module = two_functions();
  ASSERT_TRUE(module->find("second"));
  EXPECT_EQ(module->find("second")->value, kSecond);
  EXPECT_EQ(module->find("second")->size, 8U);
  EXPECT_FALSE(module->find("sec"));
  EXPECT_FALSE(module->find("secondary"));
  EXPECT_FALSE(module->find(""));
}

TEST(ElfModule, FindsDataInALibrary) {
  const auto module = libc();
  ASSERT_TRUE(module->find("environ"));
  EXPECT_EQ(module->find("environ")->size, sizeof(char**));
  EXPECT_TRUE(module->find("getpid"));
}

TEST(ElfModule, ReadsTheBuildIdOfALibrary) {
  const std::string id = libc()->build_id();
  EXPECT_EQ(id.size(), 40U);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(ElfModule, EveryNamedFunctionOfALibraryHasBytesAndARange) {
  const auto module = libc();
  for (const char* name : {"open", "read", "epoll_wait", "qsort", "printf"}) {
    const auto symbol = module->find(name);
    ASSERT_TRUE(symbol) << name;
    EXPECT_EQ(module->fde_start(symbol->value), symbol->value) << name;
    EXPECT_EQ(module->bytes_at(symbol->value, 4).size(), 4U) << name;
    EXPECT_TRUE(module->exports(name, symbol->value)) << name;
    EXPECT_FALSE(module->exports(name, symbol->value + 1)) << name;
  }
}

TEST(ElfModule, FollowsPltStubsToTheirImport) {
  const UniqueFd fd(::open(PGHANG_TARGET_DIR "/target_plain", O_RDONLY | O_CLOEXEC));
  const auto module = ElfModule::open(fd.get()).value();
  // main calls by way of pghang_level_three; every stub is 16 bytes long.
  std::vector<std::string> imports;
  for (std::uint64_t address = 0x1000; address < 0x1400; address += 0x10) {
    const std::string_view name = module->import_of_stub(address);
    if (name.empty()) continue;
    EXPECT_TRUE(module->in_plt(address)) << name;
    imports.emplace_back(name);
  }
  EXPECT_NE(std::find(imports.begin(), imports.end(), "pghang_through_library"), imports.end());
  EXPECT_FALSE(module->in_plt(module->find("main")->value));
}

TEST(ElfModule, StaticFunctionsHaveNamesInMiniDebugInfo) {
  // tests/fuzz/base/make says how it was made: hidden() is in .gnu_debugdata only.
  const auto module =
      ElfModule::parse(unpacked_file(std::string(kFixtureRoot) + "/../../fuzz/base/sample.so.xz"))
          .value();
  constexpr std::uint64_t hidden = 0x790;
  constexpr std::uint64_t size = 0x2d;
  ASSERT_TRUE(module->function_at(hidden + size - 1));
  EXPECT_EQ(module->function_at(hidden + size - 1)->name, "hidden");
  EXPECT_FALSE(module->function_at(hidden + size - 1)->exported);
  EXPECT_FALSE(module->function_at(hidden + size)) << "no symbol covers the padding";
}

TEST(ElfModule, MapsFileOffsetsToAddresses) {
  const auto module = libc();
  EXPECT_EQ(module->address_of_offset(0, false), 0U);
  EXPECT_FALSE(module->address_of_offset(std::uint64_t{1} << 40U));
}

TEST(ElfModule, RefusesWhatIsNoElf) {
  EXPECT_EQ(ElfModule::parse("").error().code, Errc::malformed);
  EXPECT_EQ(ElfModule::parse("#!/bin/sh\n").error().code, Errc::malformed);
  std::string other = build_elf({});
  other[4] = 1;  // ELFCLASS32
  EXPECT_EQ(ElfModule::parse(other).error().code, Errc::unsupported);
  const UniqueFd directory(::open("/", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(ElfModule::open(directory.get()).error().code, Errc::malformed);
}

}  // namespace
}  // namespace pghang::test
