#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/collectors/stack/fixture.h"
#include "tests/fuzz/targets.h"

/// The kept inputs of every fuzz target, once each. A crash ends the program: the last path that
/// PGHANG_FUZZ_VERBOSE=1 prints is the input.
namespace pghang::fuzz {
namespace {

class Corpus : public testing::TestWithParam<Target> {};

TEST_P(Corpus, IsTakenWithoutACrash) {
  const std::filesystem::path folder =
      std::filesystem::path(PGHANG_SOURCE_DIR "/tests/fuzz/corpus") / GetParam().name;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  ASSERT_FALSE(files.empty());
  // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
  const bool verbose = std::getenv("PGHANG_FUZZ_VERBOSE") != nullptr;
  for (const auto& file : files) {
    if (verbose) std::fprintf(stderr, "%s\n", file.c_str());
    GetParam().run(test::file_text(file));
  }
  std::printf("%zu inputs of %s\n", files.size(), GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, testing::ValuesIn(kTargets), [](const auto& target) {
  return std::string(target.param.name);
});

}  // namespace
}  // namespace pghang::fuzz
