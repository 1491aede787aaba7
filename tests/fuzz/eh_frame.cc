#include <elf.h>

#include "collectors/stack/unwinder.h"
#include "tests/collectors/stack/elf_builder.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace pghang::fuzz {
namespace {

using test::kBias;
using test::kEhFrame;
using test::kEhFrameHdr;
using test::kStackStart;
using test::kTextEnd;
using test::kTextStart;

/// What the input says of the tables; the ELF file around them is right.
struct Tables {
  std::string frames;  ///< .eh_frame
  std::string header;  ///< .eh_frame_hdr
};

void append(std::string& out, std::uint32_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string record(const std::string& body) {
  std::string all;
  append(all, static_cast<std::uint32_t>(body.size()));
  return all + body;
}

/// A header with one entry: from the start of the text on, the FDE at `fde`.
std::string header_of_one(std::uint64_t fde) {
  std::string header("\x01\x1b\x03\x3b", 4);
  append(header, static_cast<std::uint32_t>(kEhFrame - (kEhFrameHdr + 4)));
  append(header, 1);
  append(header, static_cast<std::uint32_t>(kTextStart - kEhFrameHdr));
  append(header, static_cast<std::uint32_t>(fde - kEhFrameHdr));
  return header;
}

/// A CIE and an FDE over all of the text, with these programs.
Tables around_programs(std::string_view cie_program, std::string_view fde_program) {
  std::string cie(4, '\0');
  cie += std::string("\1zR\0\x01\x78\x10\x01\x1b", 9);
  cie += cie_program;
  Tables tables;
  tables.frames = record(cie);
  const std::uint64_t fde_at = kEhFrame + tables.frames.size();
  std::string fde;
  append(fde, static_cast<std::uint32_t>(tables.frames.size() + 4));
  append(fde, static_cast<std::uint32_t>(kTextStart - (fde_at + 8)));
  append(fde, kTextEnd - kTextStart);
  fde += '\0';
  fde += fde_program;
  tables.frames += record(fde);
  tables.header = header_of_one(fde_at);
  return tables;
}

Tables tables_of(Input& input) {
  constexpr std::uint64_t most = 0x800;
  switch (input.number<std::uint8_t>() % 3) {
    case 0: {
      const std::string_view cie = input.take_bytes(input.number<std::uint8_t>());
      return around_programs(cie, input.take_bytes(most));
    }
    case 1: {
      const std::uint64_t fde = kEhFrame + input.number<std::uint8_t>();
      return {std::string(input.take_bytes(most)), header_of_one(fde)};
    }
    default: {
      const std::string header(input.take_bytes(input.number<std::uint8_t>()));
      return {std::string(input.take_bytes(most)), header};
    }
  }
}

/// Words that CFI can lead to: frames above, code, and neither.
StackSnapshot any_snapshot(std::uint64_t pc, bool all_registers) {
  std::vector<std::uint64_t> words;
  constexpr std::uint64_t count = 64;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::array<std::uint64_t, 4> kinds{
        kStackStart + 8 * (i + 3),
        kBias + kTextStart + 5 + i * 16,
        i,
        ~std::uint64_t{0} - i};
    words.push_back(kinds[i % 7 < 4 ? i % 7 : i % 2]);
  }
  StackSnapshot snapshot = test::in_place_snapshot(pc, words);
  snapshot.in_syscall = !all_registers;
  for (std::size_t i = 0; all_registers && i < kRegisterRip; ++i) {
    if (i == kRegisterRsp) continue;
    snapshot.registers[i] = i % 2 == 0 ? kStackStart + 16 * i : i;
  }
  return snapshot;
}

}  // namespace

void eh_frame(std::string_view bytes) {
  static const std::string kWhole = test::build_elf({
      {"outer", kTextStart, test::call(kTextStart, kTextStart) + '\xf4', ""},
      {"leaf", kTextStart + 0x40, std::string(0x200, '\x90'), ""},
  });
  Input input(bytes);
  const std::uint64_t pc = kTextStart + 1 + input.number<std::uint8_t>();
  const Tables tables = tables_of(input);
  std::string file = kWhole;
  file.replace(kEhFrame, kEhFrameHdr - kEhFrame, std::string(kEhFrameHdr - kEhFrame, '\0'));
  file.replace(kEhFrame, tables.frames.size(), tables.frames);
  file.replace(kEhFrameHdr, tables.header.size(), tables.header);
  const auto module = ElfModule::parse(file);
  expect(module.has_value(), "the file around the tables is right");
  const test::MapModules modules("/made/up.so", *module);
  for (const bool all_registers : {false, true}) {
    const StackTrace trace = unwind(any_snapshot(pc, all_registers), modules);
    expect(!trace.frames.empty(), "there is a first frame");
    expect(trace.complete || !trace.stop_reason.empty(), "a partial stack says why");
  }
}

}  // namespace pghang::fuzz
