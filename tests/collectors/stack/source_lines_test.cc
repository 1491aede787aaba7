#include "collectors/stack/source_lines.h"

#include <gtest/gtest.h>

#include "tests/collectors/stack/elf_builder.h"

namespace pghang::test {
namespace {

std::shared_ptr<const ElfModule> module() {
  return ElfModule::parse(build_elf({{"first", 0x1000, std::string(8, '\x90'), ""}})).value();
}

/// Three frames, of which the first has two functions inlined.
struct Traced {
  StackTrace trace;
  std::vector<CodeSite> sites;
  SourceCache sources;

  Traced() {
    trace.frames.resize(3);
    sites.push_back({0, module(), 0x1004});
    sources.remember(
        sites[0],
        {{"innermost", "a.c", 1, true}, {"inner", "a.c", 2, true}, {"first", "a.c", 3, false}}
    );
  }
};

TEST(SourceLines, FramesInFrontOfTheGapMoveIt) {
  Traced deep;
  deep.trace.omitted = 40;
  deep.trace.omitted_after = 2;
  put_source(deep.trace, deep.sites, deep.sources, true);
  ASSERT_EQ(deep.trace.frames.size(), 5U);
  EXPECT_EQ(deep.trace.omitted_after, 4U);
  EXPECT_TRUE(deep.trace.frames[0].inlined);
  EXPECT_EQ(deep.trace.frames[0].function, "innermost");
  EXPECT_EQ(deep.trace.frames[2].line, 3U);
}

TEST(SourceLines, WithoutInlinesOnlyFileAndLineAreAdded) {
  Traced deep;
  deep.trace.omitted = 40;
  deep.trace.omitted_after = 2;
  put_source(deep.trace, deep.sites, deep.sources, false);
  ASSERT_EQ(deep.trace.frames.size(), 3U);
  EXPECT_EQ(deep.trace.omitted_after, 2U);
  EXPECT_EQ(deep.trace.frames[0].file, "a.c");
  EXPECT_EQ(deep.trace.frames[0].line, 3U);
}

}  // namespace
}  // namespace pghang::test
