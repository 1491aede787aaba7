#include "collectors/stack/debug_data.h"

#include "collectors/stack/dwarf_file.h"
#include "tests/collectors/stack/fixture.h"
#include "tests/fuzz/base_file.h"
#include "tests/fuzz/targets.h"

namespace pghang::fuzz {
namespace {

/// Every name, and where in the source each of the first functions is.
void read_dwarf(const std::string& bytes) {
  constexpr std::size_t looked_up = 16;
  const auto dwarf = DwarfFile::open(bytes);
  if (!dwarf) return;
  std::size_t left = looked_up;
  for (const auto& [address, name] : dwarf->function_names()) {
    if (left-- == 0) break;
    for (const SourcePlace& place : dwarf->source_of(address))
      expect(place.function.size() <= bytes.size(), "a name is of the file");
  }
}

}  // namespace

void debug_data(std::string_view bytes) {
  static const BaseFile kDebugFile = base_file("sample.debug");
  static const BaseFile kPacked(test::file_text(PGHANG_SOURCE_DIR "/tests/fuzz/base/vdso.so.xz"));
  Input input(bytes);
  switch (input.number<std::uint8_t>() % 3) {
    case 0: (void)unpack_xz(input.rest()); break;
    case 1: (void)unpack_xz(damaged(kPacked, input)); break;
    default: read_dwarf(damaged(kDebugFile, input));
  }
}

}  // namespace pghang::fuzz
