#include <gtest/gtest.h>

#include "tests/collectors/stack/elf_builder.h"
#include "tests/collectors/stack/gdb_backtrace.h"
#include "tests/collectors/stack/live_target.h"
#include "tests/collectors/stack/take.h"

/// Stacks of real processes, against what their source says and against gdb.
namespace pghang::test {
namespace {

using Names = std::vector<std::string>;

/// A build of the target and what it does.
struct Case {
  std::string program;
  std::string mode;
};

std::string case_name(const testing::TestParamInfo<Case>& info) {
  return info.param.program + "_" + info.param.mode;
}

class LiveStack : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    ASSERT_GT(target_.pid(), 0);
    if (!spins()) {
      ASSERT_TRUE(wait_for_state(target_.pid(), ProcessState::sleeping));
    }
  }

  void TearDown() override {
    // One that was let go runs for a moment, until it is back in its call. One left stopped stays
    // so.
    const auto wanted = spins() ? ProcessState::running : ProcessState::sleeping;
    EXPECT_TRUE(wait_for_state(target_.pid(), wanted))
        << static_cast<char>(state_of(target_.pid()));
  }

  [[nodiscard]] static bool spins() { return GetParam().mode == "spin"; }

  /// The frames from pghang_block, or what it is in, down to main.
  [[nodiscard]] static Names expected() {
    Names all;
    if (spins()) all.emplace_back("pghang_spin");
    all.emplace_back("pghang_block");
    if (GetParam().mode == "signal") {
      for (const char* name : {"pghang_handler", "<signal>"})
        all.emplace_back(name);
    }
    for (const char* name :
         {"pghang_level_one",
          "pghang_level_two",
          "_ZNK13pghang_target6Caller9call_withEi",
          "pghang_through_library",
          "pghang_level_three",
          "main"})
      all.emplace_back(name);
    return all;
  }

  /// Names that are the target's own: libc's differ with the debug files that are installed.
  static Names own_names(const StackTrace& trace) {
    Names own;
    for (const std::string& name : names(trace)) {
      if (name.rfind("pghang_", 0) == 0 || name.rfind("_ZNK13pghang", 0) == 0 || name == "main" ||
          name == "<signal>") {
        own.push_back(name);
      }
    }
    return own;
  }

  LiveTarget target_{GetParam().program, GetParam().mode};
};

TEST_P(LiveStack, HasTheFramesOfItsSource) {
  const auto snapshot = take(target_.pid());
  ASSERT_TRUE(snapshot) << snapshot.error().context;
  EXPECT_EQ(snapshot->method, spins() ? CaptureMethod::ptrace_stop : CaptureMethod::in_place);
  const StackTrace trace = trace_of(*snapshot);
  EXPECT_TRUE(trace.complete) << trace.stop_reason;
  Names own = own_names(trace);
  if (spins() && own.size() < expected().size()) {
    own.insert(own.begin(), "pghang_spin");  // caught between two calls
  }
  EXPECT_EQ(own, expected());
}

TEST_P(LiveStack, IsTheSameStoppedAsInPlace) {
  if (spins()) return;
  const auto in_place = take_in_place(target_.pid());
  ASSERT_TRUE(in_place) << in_place.error().context;
  const auto stopped = take_ptrace_stop(target_.pid());
  ASSERT_TRUE(stopped) << stopped.error().context;
  EXPECT_EQ(names(trace_of(*in_place)), names(trace_of(*stopped)));
  EXPECT_GT(stopped->held_micros, 0);
}

TEST_P(LiveStack, HasTheNamesThatGdbGives) {
  for (const bool debug_files : {false, true}) {
    const auto snapshot = take(target_.pid());
    ASSERT_TRUE(snapshot) << snapshot.error().context;
    const StackTrace trace = trace_of(*snapshot, debug_files ? "/usr/lib/debug" : "");
    std::size_t compared = 0;
    EXPECT_EQ(differences(trace, gdb_backtrace(target_.pid(), debug_files), compared), "");
    EXPECT_GE(compared, expected().size() - 1);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Builds,
    LiveStack,
    testing::Values(
        Case{"target_plain", "nanosleep"},
        Case{"target_plain", "read"},
        Case{"target_plain", "spin"},
        Case{"target_plain", "signal"},
        Case{"target_frame_pointer", "nanosleep"},
        Case{"target_frame_pointer", "read"},
        Case{"target_frame_pointer", "spin"},
        Case{"target_frame_pointer", "signal"},
        Case{"target_stripped", "read"},
        Case{"target_stripped", "spin"}
    ),
    case_name
);

TEST(LiveStackNames, AreDemangledToo) {
  const LiveTarget target("target_plain", "read");
  ASSERT_TRUE(wait_for_state(target.pid(), ProcessState::sleeping));
  const auto snapshot = take(target.pid());
  ASSERT_TRUE(snapshot);
  std::size_t found = 0;
  for (const Frame& frame : trace_of(*snapshot).frames) {
    if (frame.function != "_ZNK13pghang_target6Caller9call_withEi") continue;
    EXPECT_EQ(frame.demangled, "pghang_target::Caller::call_with(int) const");
    EXPECT_NE(frame.module.find("libtarget_library.so"), std::string::npos);
    ++found;
  }
  EXPECT_EQ(found, 1U);
}

}  // namespace
}  // namespace pghang::test
