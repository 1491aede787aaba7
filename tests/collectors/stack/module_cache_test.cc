#include "collectors/stack/module_cache.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "collectors/stack/regular_file.h"
#include "tests/collectors/stack/gdb_backtrace.h"
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
  ModuleCache cache({.max_files = 1});
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

/// A mapping of a file as the kernel would show it, which no process has.
Mapping mapping_of(const std::string& path) {
  struct stat status {};

  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  Mapping mapping;
  mapping.start = 0x1000;
  mapping.end = 0x2000;
  mapping.device = gnu_dev_major(status.st_dev) << 20U | gnu_dev_minor(status.st_dev);
  mapping.inode = status.st_ino;
  mapping.executable = true;
  mapping.path = path;
  return mapping;
}

class CopiedModules : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/pghang-modules-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }

  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// One more file with the library's content.
  Mapping copy(const std::string& name) {
    std::filesystem::copy_file(PGHANG_TARGET_DIR "/libtarget_library.so", folder_ / name);
    return mapping_of(folder_ / name);
  }

  std::filesystem::path folder_;
};

TEST_F(CopiedModules, OfOneBuildShareOneParsedModule) {
  const Mapping one = copy("one.so");
  const Mapping other = copy("other.so");
  const Mapping program = mapping_of(PGHANG_TARGET_DIR "/target_plain");
  ModuleCache cache;
  cache.load(::getpid(), {one, other, program});
  ASSERT_NE(cache.module_of(one), nullptr);
  EXPECT_EQ(cache.module_of(one), cache.module_of(other));
  EXPECT_EQ(cache.modules(), 2U);
  EXPECT_EQ(cache.bytes(), cache.module_of(one)->bytes() + cache.module_of(program)->bytes());
}

TEST_F(CopiedModules, OfOneBuildButStrippedAreOthers) {
  const Mapping whole = copy("whole.so");
  copy("stripped.so");
  ASSERT_EQ(output_of("strip " + (folder_ / "stripped.so").string() + " 2>&1"), "");
  const Mapping stripped = mapping_of(folder_ / "stripped.so");
  ModuleCache cache;
  cache.load(::getpid(), {stripped, whole});
  ASSERT_NE(cache.module_of(whole), nullptr);
  EXPECT_EQ(cache.module_of(whole)->build_id(), cache.module_of(stripped)->build_id());
  EXPECT_NE(cache.module_of(whole), cache.module_of(stripped));
}

TEST_F(CopiedModules, AreBoundedByTheirBytes) {
  const Mapping library = copy("one.so");
  const Mapping program = mapping_of(PGHANG_TARGET_DIR "/target_plain");
  ModuleCache unbounded;
  unbounded.load(::getpid(), {library, program});
  const std::size_t all = unbounded.bytes();

  ModuleCache cache({.max_bytes = all - 1});
  cache.load(::getpid(), {library});
  cache.load(::getpid(), {program});
  EXPECT_EQ(cache.module_of(library), nullptr) << "least recently loaded";
  EXPECT_NE(cache.module_of(program), nullptr);
  EXPECT_LT(cache.bytes(), all);
  // What one process maps beyond the bounds is missing, and not loaded again and again.
  cache.load(::getpid(), {library, program});
  EXPECT_NE(cache.module_of(library), nullptr);
  EXPECT_EQ(cache.module_of(program), nullptr);
  EXPECT_TRUE(cache.covers({library, program}));
}

TEST_F(CopiedModules, ThatCouldNotBeHadAreTriedAgain) {
  const Mapping library = copy("one.so");
  std::filesystem::rename(folder_ / "one.so", folder_ / "away.so");
  ModuleCache patient;
  ModuleCache cache({.retry = std::chrono::milliseconds(0)});
  for (ModuleCache* one : {&patient, &cache}) {
    one->load(::getpid(), {library});
    EXPECT_EQ(one->module_of(library), nullptr);
  }
  EXPECT_TRUE(patient.covers({library}));
  EXPECT_FALSE(cache.covers({library}));
  std::filesystem::rename(folder_ / "away.so", folder_ / "one.so");
  cache.load(::getpid(), {library});
  EXPECT_NE(cache.module_of(library), nullptr);
}

TEST_F(CopiedModules, TakeNoMoreMemoryAfterTenThousandLoads) {
  const Mapping library = copy("one.so");
  const Mapping program = mapping_of(PGHANG_TARGET_DIR "/target_plain");
  ModuleCache cache({.max_files = 2});
  constexpr std::uint64_t loads = 10'000;
  std::size_t bytes = 0;
  for (std::uint64_t i = 0; i < loads; ++i) {
    Mapping fleeting = library;
    fleeting.inode += i % 3;  // every third is there
    cache.load(::getpid(), {fleeting, program});
    ASSERT_LE(cache.modules(), 2U);
    if (i == 3) bytes = cache.bytes();
  }
  EXPECT_EQ(cache.bytes(), bytes);
}

TEST_F(CopiedModules, GetADebugFileThatComesLater) {
  copy("one.so");
  const std::string library = folder_ / "one.so";
  const std::string debug = folder_ / "debug";
  ASSERT_EQ(output_of("objcopy --only-keep-debug " + library + " " + debug + " 2>&1"), "");
  ASSERT_EQ(output_of("strip " + library + " 2>&1"), "");
  std::filesystem::copy_file(library, folder_ / "other.so");
  const Mapping one = mapping_of(library);
  const Mapping other = mapping_of(folder_ / "other.so");
  ModuleCache cache;
  cache.load(::getpid(), {one, other});
  const auto before = cache.module_of(one);
  ASSERT_NE(before, nullptr);
  EXPECT_TRUE(before->dwarf().empty());
  const UniqueFd wrong = open_regular(PGHANG_TARGET_DIR "/target_plain").value();
  EXPECT_FALSE(cache.add_debug_file(before->build_id(), wrong.get()));
  const UniqueFd right = open_regular(debug).value();
  EXPECT_TRUE(cache.add_debug_file(before->build_id(), right.get()));
  EXPECT_FALSE(cache.module_of(one)->dwarf().empty());
  EXPECT_EQ(cache.module_of(one), cache.module_of(other));
  EXPECT_EQ(cache.modules(), 1U);
}

}  // namespace
}  // namespace pghang::test
