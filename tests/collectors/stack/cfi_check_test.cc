#include <cstring>

#include <gtest/gtest.h>

#include "tests/collectors/stack/elf_builder.h"

/// What libunwind must never be given, by way of the FDE that is not found then.
namespace pghang::test {
namespace {

constexpr std::uint64_t kFunction = 0x1000;

std::string elf_with(const std::string& cfi) {
  return build_elf({{"f", kFunction, std::string(16, '\x90'), cfi}});
}

bool is_sound(const std::string& cfi) {
  return ElfModule::parse(elf_with(cfi)).value()->fde_start(kFunction).has_value();
}

TEST(CfiCheck, AcceptsWhatCompilersWrite) {
  EXPECT_TRUE(is_sound(""));
  EXPECT_TRUE(is_sound(frame_pointer_cfi()));
  EXPECT_TRUE(is_sound(outermost_cfi()));
  EXPECT_TRUE(is_sound("\x41\x0a\x0e\x10\x42\x0b"));  // remember, CFA offset 16, advance, restore
  // The PLT's: breg7 8, breg16 0, lit15, and, lit11, ge, lit3, shl, plus
  EXPECT_TRUE(is_sound(std::string("\x0f\x0b\x77\x08\x80\x00\x3f\x1a\x3b\x2a\x33\x24\x22", 13)));
  // A realigned stack: breg6 -8, deref
  EXPECT_TRUE(is_sound("\x0f\x03\x76\x78\x06"));
}

TEST(CfiCheck, RefusesRegistersThatDoNotExist) {
  EXPECT_FALSE(is_sound("\x91\x01"));                          // offset of r17
  EXPECT_FALSE(is_sound("\xd1"));                              // restore r17
  EXPECT_FALSE(is_sound("\x0d\x7f"));                          // CFA register r127
  EXPECT_FALSE(is_sound("\x0c\x11\x08"));                      // CFA = r17+8
  EXPECT_FALSE(is_sound("\x09\x03\x20"));                      // rbx in r32
  EXPECT_FALSE(is_sound(std::string("\x0f\x02\x81\x00", 4)));  // breg17
}

TEST(CfiCheck, RefusesExpressionsThatCouldTrapOrJump) {
  EXPECT_FALSE(is_sound("\x0f\x03\x30\x30\x1b"));                      // div
  EXPECT_FALSE(is_sound(std::string("\x0f\x04\x30\x2f\xfc\xff", 6)));  // skip backwards
  EXPECT_FALSE(is_sound("\x0f\x01\x50"));                              // reg0
  EXPECT_FALSE(is_sound(std::string("\x0f\x00", 2)));                  // empty
  EXPECT_FALSE(is_sound("\x0f\x01\x77"));  // its length cuts an operand off
}

TEST(CfiCheck, RefusesAStateThatWasNotRemembered) {
  EXPECT_FALSE(is_sound("\x0b"));
}

TEST(CfiCheck, RefusesUnknownInstructions) {
  EXPECT_FALSE(is_sound("\x3f"));
}

TEST(CfiCheck, RefusesAnotherReturnColumn) {
  std::string file = elf_with("");
  constexpr std::size_t eh_frame = 0x2000;
  // CIE: length 4, id 4, version 1, "zR" 3, alignments 2, return column
  constexpr std::size_t column = eh_frame + 4 + 4 + 1 + 3 + 2;
  ASSERT_EQ(file[column], 16);
  file[column] = 17;
  EXPECT_FALSE(ElfModule::parse(file).value()->fde_start(kFunction));
}

/// One function whose CIE has this augmentation and its data; CFA = rsp+8, return address at CFA-8.
bool is_sound(const std::string& augmentation, const std::string& data) {
  std::string cie(4, '\0');
  cie += '\1' + augmentation + '\0' + "\x01\x78\x10" + static_cast<char>(data.size()) + data;
  cie += std::string("\x0c\x07\x08\x90\x01", 5);
  std::string file = elf_with("");
  // Behind what build_elf() wrote; the FDE's pointer to it is patched.
  constexpr std::size_t at = kEhFrame + 0x200;
  constexpr std::size_t fde = kEhFrame + 2 * 0x20;
  const auto put = [&file](std::size_t offset, std::uint32_t value) {
    std::memcpy(file.data() + offset, &value, sizeof value);
  };
  put(at, static_cast<std::uint32_t>(cie.size()));
  file.replace(at + 4, cie.size(), cie);
  put(fde + 4, static_cast<std::uint32_t>(fde + 4 - at));
  return ElfModule::parse(file).value()->fde_start(kFunction).has_value();
}

TEST(CfiCheck, TakesACieBehindItsFde) {
  EXPECT_TRUE(is_sound("zR", "\x1b"));
  EXPECT_TRUE(is_sound("zPLR", std::string("\x1b\0\0\0\0\x1b\x1b", 7)));
}

TEST(CfiCheck, RefusesAnAugmentationThatLibunwindCutsShort) {
  EXPECT_TRUE(is_sound("zRLL", "\x1b\xff\xff"));
  // libunwind reads two L and runs what follows: rbp in r16383.
  EXPECT_FALSE(is_sound("zRLLLLLL", "\x1b\xff\xff\x09\x06\xff\x7f"));
}

TEST(CfiCheck, RefusesAPointerThatLibunwindAlignsFirst) {
  EXPECT_TRUE(is_sound("zPR", std::string("\0\0\0\0\0\0\0\0\0\x1b", 10)));
  EXPECT_FALSE(is_sound("zPR", std::string("\x50\0\0\0\0\0\0\0\0\x1b", 10)));
}

TEST(CfiCheck, RefusesACfaThatIsNeverDefined) {
  std::string file = elf_with("");
  constexpr std::size_t instructions = 0x2000 + 4 + 4 + 1 + 3 + 2 + 1 + 2;
  ASSERT_EQ(file[instructions], '\x0c');
  file.replace(instructions, 3, 3, '\0');
  EXPECT_FALSE(ElfModule::parse(file).value()->fde_start(kFunction));
}

}  // namespace
}  // namespace pghang::test
