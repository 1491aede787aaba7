#include "tests/fuzz/targets.h"

/// libFuzzer's entry (LibFuzzer.rst, "Fuzz Target") of the one target that the build names.
// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pghang::fuzz::PGHANG_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
