#include "tests/exporters/golden.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace pghang {

void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(PGHANG_SOURCE_DIR "/tests/exporters/golden/") + name;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment.
  if (std::getenv("PGHANG_REGENERATE") != nullptr) {
    std::ofstream(path) << text << '\n';
    return;
  }
  std::ifstream file(path);
  ASSERT_TRUE(file) << path << " is missing; PGHANG_REGENERATE=1 writes it";
  const std::string expected{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text + '\n', expected) << "differs from " << path;
}

}  // namespace pghang
