#include "diagnosis/fingerprint.h"

#include <random>

#include <gtest/gtest.h>

#include "tests/diagnosis/evidence_builder.h"

namespace pghang {
namespace {

using tests::Given;
using Names = std::vector<std::string>;

StackTrace stack_of(const Names& names) {
  return Given().stack(names).evidence().capture.stack;
}

std::string stable(const Names& names) {
  const auto print = fingerprint(stack_of(names));
  return print ? print->stable : "none";
}

const Names kSeed = {
    "libc.so.6:epoll_wait",
    "WaitEventSetWait",
    "ConditionVariableSleep",
    "_bt_parallel_seize",
    "",
    "",
    "_bt_first",
    "btgettuple",
    "PortalRun",
    "PostgresMain",
    "PostmasterMain",
    "main"};

TEST(NormalisedName, DropsCloneSuffixes) {
  EXPECT_EQ(normalised_name("foo.isra.0"), "foo");
  EXPECT_EQ(normalised_name("foo.constprop.0.isra.3"), "foo");
  EXPECT_EQ(normalised_name("foo.part.1.cold"), "foo");
  EXPECT_EQ(normalised_name("foo.cold.12"), "foo");
  EXPECT_EQ(normalised_name("foo.lto_priv.0"), "foo");
}

TEST(NormalisedName, KeepsDotsThatAreNoCloneSuffix) {
  EXPECT_EQ(normalised_name("main.run"), "main.run");
  EXPECT_EQ(normalised_name("a.1"), "a.1");
  EXPECT_EQ(normalised_name(".isra.0"), ".isra.0");
}

TEST(NormalisedName, DropsSymbolVersions) {
  EXPECT_EQ(normalised_name("memcpy@@GLIBC_2.14"), "memcpy");
  EXPECT_EQ(normalised_name("foo@V1"), "foo");
}

TEST(NormalisedName, FoldsLibcsWrappers) {
  for (const char* name : {"open", "open64", "__open", "__open64", "__libc_open64", "__GI___open"})
    EXPECT_EQ(normalised_name(name), "open") << name;
  EXPECT_EQ(normalised_name("__open64_nocancel"), "open");
  EXPECT_EQ(normalised_name("__epoll_wait_nocancel"), "epoll_wait");
  EXPECT_EQ(normalised_name("__GI___clock_nanosleep"), "clock_nanosleep");
  EXPECT_EQ(normalised_name("__select"), "select");
  EXPECT_EQ(normalised_name("__new_sem_wait_slow64.constprop.0"), "sem_wait");
  EXPECT_EQ(normalised_name("__futex_abstimed_wait_common"), "futex_wait");
}

TEST(NormalisedName, LeavesOthersAlone) {
  for (const char* name : {"_bt_first", "__init", "WaitEventSetWait", "open_table", "hash64", "_"})
    EXPECT_EQ(normalised_name(name), name);
}

TEST(Fingerprint, ReadsInnermostFirstUpToTheStatement) {
  const auto print = fingerprint(stack_of(kSeed));
  ASSERT_TRUE(print);
  EXPECT_EQ(
      print->text,
      "epoll_wait | WaitEventSetWait | ConditionVariableSleep | _bt_parallel_seize | _bt_first | "
      "btgettuple"
  );
  EXPECT_EQ(print->stable.size(), 16U);
  EXPECT_EQ(print->exact.size(), 16U);
  EXPECT_EQ(print->algorithm, 2);
  EXPECT_DOUBLE_EQ(print->quality, 10.0 / 12.0);
}

TEST(Fingerprint, OfTheSeedIsTheSameForEver) {
  // Stored with incidents and part of alerts: a change here is a new kFingerprintAlgorithm.
  EXPECT_EQ(stable(kSeed), "4f8df10cf8a048e8");
}

TEST(Fingerprint, SurvivesAddressSpaceRandomisation) {
  StackTrace moved = stack_of(kSeed);
  for (Frame& frame : moved.frames)
    frame.address += 0x1234'5000;
  EXPECT_EQ(fingerprint(moved), fingerprint(stack_of(kSeed)));
}

TEST(Fingerprint, OfAnotherBuildIsStableButNotExact) {
  StackTrace other = stack_of(kSeed);
  for (Frame& frame : other.frames)
    frame.build_id = "cd34";
  EXPECT_EQ(fingerprint(other)->stable, stable(kSeed));
  EXPECT_NE(fingerprint(other)->exact, fingerprint(stack_of(kSeed))->exact);
}

TEST(Fingerprint, ChangesWithAnyNamedFunction) {
  for (std::size_t i = 0; i < 9; ++i) {
    if (kSeed[i].empty()) continue;
    Names changed = kSeed;
    changed[i] = "something_else";
    EXPECT_NE(stable(changed), stable(kSeed)) << kSeed[i];
  }
}

TEST(Fingerprint, SkipsNamelessFramesAndWhatStartedTheProcess) {
  Names fewer = kSeed;
  std::erase(fewer, "");
  fewer.resize(fewer.size() - 2);
  EXPECT_EQ(stable(fewer), stable(kSeed));
}

TEST(Fingerprint, DoesNotDependOnWhichLibcWrapperShows) {
  Names other = kSeed;
  other[0] = "libc.so.6:__epoll_wait_nocancel";
  EXPECT_EQ(stable(other), stable(kSeed));
}

/// head, then the cycle `turns` times, then tail.
Names recursive(const Names& head, const Names& cycle, int turns, const Names& tail) {
  Names names = head;
  for (int i = 0; i < turns; ++i)
    names.insert(names.end(), cycle.begin(), cycle.end());
  names.insert(names.end(), tail.begin(), tail.end());
  return names;
}

TEST(Fingerprint, DoesNotDependOnTheDepthOfARecursion) {
  std::mt19937 random(15290);
  for (int round = 0; round < 500; ++round) {
    const auto some = [&random](const char* stem, std::size_t most) {
      Names names(1 + random() % most);
      for (std::string& name : names)
        name = stem + std::to_string(random() % 4);
      return names;
    };
    const Names head = some("head", 5);
    const Names cycle = some("cycle", 12);
    const Names tail = some("tail", 5);
    const auto once = fingerprint(stack_of(recursive(head, cycle, 1, tail)));
    for (const int turns : {2, 3, 7}) {
      const auto deep = fingerprint(stack_of(recursive(head, cycle, turns, tail)));
      ASSERT_EQ(once.has_value(), deep.has_value());
      if (!once) continue;
      ASSERT_EQ(deep->stable, once->stable) << once->text << " and " << deep->text;
    }
  }
}

TEST(Fingerprint, IsNoneForAPoorStack) {
  EXPECT_FALSE(fingerprint(StackTrace{}));
  EXPECT_FALSE(fingerprint(stack_of({"a", "", "b", "", ""})));
  EXPECT_FALSE(fingerprint(stack_of({"a", "a", "a", "b"})));
  EXPECT_TRUE(fingerprint(stack_of({"a", "b", "c"})));
}

TEST(Fingerprint, SaysWhyThereIsNone) {
  StackTrace none;
  EXPECT_EQ(no_fingerprint_because(none), "there is no user stack");
  none.stop_reason = "ptrace stop timed out";
  EXPECT_EQ(no_fingerprint_because(none), "there is no user stack: ptrace stop timed out");
  EXPECT_EQ(
      no_fingerprint_because(stack_of({"a", "", "b", "", ""})),
      "only 2 exported functions on the user stack, too few to tell hangs apart"
  );
  EXPECT_EQ(no_fingerprint_because(stack_of(kSeed)), "");
}

TEST(Fingerprint, IsNoneForAnUnwindThatBrokeOff) {
  StackTrace broken = stack_of({"a", "b", "c", "d"});
  broken.complete = false;
  broken.stop_reason = "rbp is unknown";
  EXPECT_FALSE(fingerprint(broken));
  EXPECT_EQ(no_fingerprint_because(broken), "the user stack is incomplete: rbp is unknown");
}

TEST(Fingerprint, DoesNotNeedWhatLiesBelowTheProcessEntry) {
  StackTrace cut = stack_of(kSeed);
  cut.complete = false;
  cut.frames.pop_back();
  ASSERT_TRUE(fingerprint(cut));
  EXPECT_EQ(fingerprint(cut)->stable, stable(kSeed));
}

TEST(Fingerprint, IsTheSameWithAndWithoutDebugSymbols) {
  StackTrace with_symbols = stack_of(kSeed);
  for (Frame& frame : with_symbols.frames) {
    if (frame.function) continue;
    frame.function = "_bt_readnextpage";
    frame.exported = false;
  }
  EXPECT_EQ(fingerprint(with_symbols), fingerprint(stack_of(kSeed)));
}

TEST(Fingerprint, IsTheSameWithSourceLinesAndInlinedFunctions) {
  StackTrace with_lines = stack_of(kSeed);
  Frame inlined = with_lines.frames[3];
  inlined.function = "SpinLockAcquire";
  inlined.inlined = true;
  for (Frame& frame : with_lines.frames) {
    frame.file = "nbtree.c";
    frame.line = 17;
  }
  with_lines.frames.insert(with_lines.frames.begin() + 3, 40, inlined);
  with_lines.frames.insert(with_lines.frames.begin(), inlined);
  ASSERT_TRUE(fingerprint(with_lines));
  EXPECT_EQ(fingerprint(with_lines), fingerprint(stack_of(kSeed)));
}

TEST(Fingerprint, CountsASignalHandlerAsAName) {
  StackTrace stack = stack_of({"a", "", "b"});
  stack.frames[1].kind = FrameKind::signal;
  ASSERT_TRUE(fingerprint(stack));
  EXPECT_EQ(fingerprint(stack)->text, "a | <signal handler called> | b");
}

TEST(Fingerprint, PassesOverPltStubs) {
  StackTrace stack = stack_of({"a", "poll@plt", "b", "c"});
  stack.frames[1].kind = FrameKind::plt;
  EXPECT_EQ(fingerprint(stack)->text, "a | b | c");
}

}  // namespace
}  // namespace pghang
