#include "collectors/stack/elf_module.h"
#include "collectors/stack/unwinder.h"
#include "tests/collectors/stack/elf_builder.h"
#include "tests/fuzz/base_file.h"
#include "tests/fuzz/targets.h"

namespace pghang::fuzz {
namespace {

std::string made_up() {
  using test::call;
  return test::build_elf({
      {"_start", 0x1000, call(0x1000, 0x1040) + '\xf4', test::outermost_cfi()},
      {"outer",
       0x1040,
       "\x55\x48\x89\xe5" + call(0x1044, 0x10c0) + '\xc3',
       test::frame_pointer_cfi()},
      {"handler", 0x1080, std::string(16, '\x90'), "", true},
      {"leaf", 0x10c0, std::string(8, '\x90'), ""},
  });
}

const BaseFile& base(std::size_t number) {
  static const std::array<BaseFile, 3> kBases{
      base_file("sample.so"),
      base_file("vdso.so"),
      BaseFile(made_up())};
  return kBases[number % kBases.size()];
}

void ask(const ElfModule& module, std::uint64_t address) {
  const auto symbol = module.function_at(address);
  if (symbol) {
    expect(address >= symbol->value, "a function starts before what it covers");
    expect(address - symbol->value < symbol->size, "a function covers the address");
    expect(symbol->name.size() < 1U << 20U, "the name can be read");
    // An exported name is found at its address.
    if (symbol->exported) expect(module.exports(symbol->name, symbol->value), "exports()");
  }
  const auto range = module.function_range(address);
  if (range) {
    expect(range->start <= address && address < range->end, "an FDE covers the address");
    expect(module.fde_start(address) == range->start, "fde_start()");
  }
  (void)module.import_of_stub(address);
  (void)module.import_of_slot(address);
  (void)module.in_plt(address);
  expect(module.bytes_at(address, 8).size() <= 8, "no more bytes than asked for");
  (void)module.address_of_offset(address);
  (void)module.address_of_offset(address, false);
}

void ask_all(const ElfModule& module) {
  constexpr std::uint64_t first_pages = 0x6000;
  constexpr std::uint64_t step = 0x1d3;
  for (std::uint64_t address = 0; address < first_pages; address += step)
    ask(module, address);
  for (const std::uint64_t address : {0x1000U, 0x1045U, 0x1080U, 0x10c4U})
    ask(module, address);
  for (const std::uint64_t shift : {16U, 31U, 32U, 47U, 63U})
    ask(module, (std::uint64_t{1} << shift) - 1);
  ask(module, ~std::uint64_t{0});
  for (const char* name : {"", "outer", "PostmasterPid", "sample_work"})
    (void)module.find(name);
  (void)module.unwind_table();
  expect(module.build_id().size() <= 128, "a build id is short");
}

}  // namespace

void elf(std::string_view bytes) {
  constexpr std::uint8_t as_they_are = 255;
  Input input(bytes);
  const auto which = input.number<std::uint8_t>();
  const auto module = which == as_they_are ? ElfModule::parse(std::string(input.rest()))
                                           : ElfModule::parse(damaged(base(which), input));
  if (!module) return;
  ask_all(**module);
  const test::MapModules modules("/made/up.so", *module);
  const StackTrace trace = unwind(
      test::in_place_snapshot(
          0x10c4,
          {test::kBias + 0x1049, test::kStackStart + 16, test::kBias + 0x1005, 0}
      ),
      modules
  );
  expect(trace.complete || !trace.stop_reason.empty(), "a partial stack says why");
}

}  // namespace pghang::fuzz
