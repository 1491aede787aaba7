#include "collectors/stack/omission.h"

#include <gtest/gtest.h>

namespace pghang::test {
namespace {

using Pcs = std::vector<std::uint64_t>;

/// A leaf, `depth` frames of a recursion of `turn` functions, and three outer frames.
Pcs recursion(std::size_t turn, std::size_t depth) {
  Pcs pcs{1};
  for (std::size_t i = 0; i < depth; ++i)
    pcs.push_back(100 + i % turn);
  for (const std::uint64_t outer : {10U, 11U, 12U})
    pcs.push_back(outer);
  return pcs;
}

Pcs without(const Pcs& pcs, const Omission& omission) {
  Pcs kept(pcs.begin(), pcs.begin() + static_cast<std::ptrdiff_t>(omission.after));
  kept.insert(
      kept.end(),
      pcs.begin() + static_cast<std::ptrdiff_t>(omission.after + omission.count),
      pcs.end()
  );
  return kept;
}

TEST(Omission, LeavesOutNothingOfAStackThatFits) {
  EXPECT_EQ(choose_omission(recursion(5, 100), 104).count, 0U);
}

TEST(Omission, LeavesOutWholeTurnsOfARecursion) {
  for (std::size_t turn = 1; turn <= 40; ++turn) {
    for (const std::size_t depth : {800U, 801U, 1203U, 5000U}) {
      const Pcs pcs = recursion(turn, depth);
      const Pcs kept = without(pcs, choose_omission(pcs, 512));
      ASSERT_LE(kept.size(), 512U);
      // What is left reads like a recursion of fewer turns.
      for (std::size_t i = 1; i + 4 < kept.size(); ++i) {
        const std::uint64_t next = kept[i] - 100 + 1;
        ASSERT_EQ(kept[i + 1], 100 + next % turn) << turn << ' ' << depth << ' ' << i;
      }
      EXPECT_EQ(Pcs(kept.end() - 3, kept.end()), (Pcs{10, 11, 12}));
    }
  }
}

TEST(Omission, LeavesOutTheMiddleOfAStackThatDoesNotRepeat) {
  Pcs pcs(2000);
  for (std::size_t i = 0; i < pcs.size(); ++i)
    pcs[i] = 1000 + i * 16;
  const Omission omission = choose_omission(pcs, 512);
  EXPECT_EQ(omission.after, 320U);
  EXPECT_EQ(omission.count, 2000U - 512);
}

TEST(KeepEnds, CutsAtTheSeamThatIsThere) {
  StackTrace trace;
  for (std::uint64_t i = 0; i < 100; ++i)
    trace.frames.emplace_back().address = i;
  keep_ends(trace, 50);
  EXPECT_EQ(trace.frames.size(), 50U);
  EXPECT_EQ(trace.omitted, 50U);
  EXPECT_EQ(trace.frames[trace.omitted_after - 1].address, 30U);
  EXPECT_EQ(trace.frames[trace.omitted_after].address, 81U);
  keep_ends(trace, 10);
  EXPECT_EQ(trace.frames.size(), 10U);
  EXPECT_EQ(trace.omitted, 90U);
  EXPECT_EQ(trace.frames[trace.omitted_after - 1].address, 5U);
  EXPECT_EQ(trace.frames[trace.omitted_after].address, 96U);
  EXPECT_EQ(trace.frames.back().address, 99U);
}

TEST(KeepEnds, LeavesAShortTraceAlone) {
  StackTrace trace;
  trace.frames.resize(10);
  keep_ends(trace, 10);
  EXPECT_EQ(trace.frames.size(), 10U);
  EXPECT_EQ(trace.omitted, 0U);
}

}  // namespace
}  // namespace pghang::test
