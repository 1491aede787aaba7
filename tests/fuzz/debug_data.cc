#include "collectors/stack/debug_data.h"

#include <sys/mman.h>
#include <unistd.h>

#include "collectors/stack/elf_image.h"
#include "config/unique_fd.h"
#include "tests/collectors/stack/fixture.h"
#include "tests/fuzz/base_file.h"
#include "tests/fuzz/targets.h"

namespace pghang::fuzz {
namespace {

/// A file of these bytes that nobody else sees.
UniqueFd file_of(const std::string& bytes) {
  UniqueFd fd(::memfd_create("fuzz", MFD_CLOEXEC));
  expect(fd && ::write(fd.get(), bytes.data(), bytes.size()) == ssize_t(bytes.size()), "a memfd");
  return fd;
}

}  // namespace

void debug_data(std::string_view bytes) {
  static const BaseFile kDebugFile = base_file("sample.debug");
  static const BaseFile kPacked(test::file_text(PGHANG_SOURCE_DIR "/tests/fuzz/base/vdso.so.xz"));
  Input input(bytes);
  switch (input.number<std::uint8_t>() % 3) {
    case 0: (void)unpack_xz(input.rest()); break;
    case 1: (void)unpack_xz(damaged(kPacked, input)); break;
    default:
      for (const auto& [address, name] :
           dwarf_function_names(file_of(damaged(kDebugFile, input)).get()))
        expect(!name.empty() || address != ~std::uint64_t{0}, "names can be read");
  }
}

}  // namespace pghang::fuzz
