#include "collectors/stack/module_cache.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/collectors/stack/take.h"

namespace pghang::test {
namespace {

const Mapping* executable_of(const std::vector<Mapping>& mappings, const std::string& part) {
  for (const Mapping& mapping : mappings)
    if (mapping.executable && mapping.path.find(part) != std::string::npos) return &mapping;
  return nullptr;
}

TEST(ModuleCache, LoadsWhatAProcessRuns) {
  const auto mappings = mappings_of(::getpid());
  ModuleCache cache;
  EXPECT_FALSE(cache.covers(mappings));
  cache.load(::getpid(), mappings);
  EXPECT_TRUE(cache.covers(mappings));
  const Mapping* libc = executable_of(mappings, "libc.so");
  ASSERT_NE(libc, nullptr);
  ASSERT_NE(cache.module_of(*libc), nullptr);
  EXPECT_TRUE(cache.module_of(*libc)->find("getpid"));
  const Mapping* program = executable_of(mappings, "stack_test");
  ASSERT_NE(program, nullptr);
  EXPECT_NE(cache.module_of(*program), nullptr);
}

TEST(ModuleCache, TakesTheVdsoFromTheKernelItRunsOn) {
  const auto mappings = mappings_of(::getpid());
  ModuleCache cache;
  cache.load(::getpid(), mappings);
  const Mapping* vdso = executable_of(mappings, "[vdso]");
  ASSERT_NE(vdso, nullptr);
  ASSERT_NE(cache.module_of(*vdso), nullptr);
  EXPECT_TRUE(cache.module_of(*vdso)->find("__vdso_clock_gettime"));
}

TEST(ModuleCache, RefusesAnotherFileAtTheSamePath) {
  auto mappings = mappings_of(::getpid());
  std::erase_if(mappings, [](const Mapping& mapping) {
    return mapping.path.find("libc.so") == std::string::npos || !mapping.executable;
  });
  ASSERT_EQ(mappings.size(), 1U);
  mappings[0].inode += 1;
  mappings[0].start = 1;  // so that map_files does not have it either
  ModuleCache cache;
  cache.load(::getpid(), mappings);
  EXPECT_EQ(cache.module_of(mappings[0]), nullptr);
  EXPECT_TRUE(cache.covers(mappings)) << "a failure is remembered";
}

TEST(ModuleCache, ForgetsTheLeastRecentlyUsed) {
  const auto mappings = mappings_of(::getpid());
  const Mapping* libc = executable_of(mappings, "libc.so");
  const Mapping* program = executable_of(mappings, "stack_test");
  ASSERT_TRUE(libc != nullptr && program != nullptr);
  ModuleCache cache(1);
  cache.load(::getpid(), {*libc});
  ASSERT_NE(cache.module_of(*libc), nullptr);
  cache.load(::getpid(), {*program});
  EXPECT_EQ(cache.module_of(*libc), nullptr);
  EXPECT_NE(cache.module_of(*program), nullptr);
}

TEST(ModuleCache, DoesNotLookAtWhatIsNotExecutable) {
  Mapping data;
  data.start = 0x1000;
  data.end = 0x2000;
  data.inode = 5;
  data.path = "/nonexistent";
  ModuleCache cache;
  EXPECT_TRUE(cache.covers({data}));
  cache.load(::getpid(), {data});
  EXPECT_EQ(cache.module_of(data), nullptr);
}

}  // namespace
}  // namespace pghang::test
