#include "collectors/stack/unwinder.h"

#include <gtest/gtest.h>

#include "tests/collectors/stack/elf_builder.h"

namespace pghang::test {
namespace {

using Names = std::vector<std::string>;
using Words = std::vector<std::uint64_t>;

constexpr std::uint64_t kStart = 0x1000;
constexpr std::uint64_t kOuter = 0x1040;
constexpr std::uint64_t kMiddle = 0x1080;
constexpr std::uint64_t kLeaf = 0x10c0;
constexpr std::uint64_t kOther = 0x1100;
constexpr std::uint64_t kIndirect = 0x1140;
constexpr std::uint64_t kRestorer = 0x1180;

// Return addresses, as they lie on the stack.
constexpr std::uint64_t kInStart = kBias + kStart + 5;
constexpr std::uint64_t kInOuter = kBias + kOuter + 9;
constexpr std::uint64_t kInMiddle = kBias + kMiddle + 13;
constexpr std::uint64_t kInOther = kBias + kOther + 9;
constexpr std::uint64_t kInIndirect = kBias + kIndirect + 6;
constexpr std::uint64_t kPcInLeaf = kLeaf + 7;  // behind `syscall`

const std::string kPushFrame = "\x55\x48\x89\xe5";  // push %rbp; mov %rsp,%rbp

std::vector<BuiltFunction> functions() {
  std::vector<BuiltFunction> all(7);
  //   1000: e8 ..          call outer        (return address undefined)
  all[0] = {"_start_of_all", kStart, call(kStart, kOuter) + '\xf4', outermost_cfi()};
  //   1040: 55             push %rbp
  //   1041: 48 89 e5       mov %rsp,%rbp
  //   1044: e8 ..          call middle
  all[1] = {"outer", kOuter, kPushFrame + call(kOuter + 4, kMiddle) + '\xc3', frame_pointer_cfi()};
  //   1080: 55             push %rbp
  //   1081: 48 89 e5       mov %rsp,%rbp
  //   1084: 48 83 ec 40    sub $0x40,%rsp
  //   1088: e8 ..          call leaf
  all[2] = {
      "middle",
      kMiddle,
      kPushFrame + "\x48\x83\xec\x40" + call(kMiddle + 8, kLeaf) + '\xc3',
      frame_pointer_cfi()};
  //   10c0: b8 01 01 00 00 mov $0x101,%eax
  //   10c5: 0f 05          syscall
  //   10c7: c3             ret
  all[3] = {"leaf", kLeaf, std::string("\xb8\x01\x01\0\0\x0f\x05\xc3", 8), ""};
  //   1100: as outer: another caller of middle
  all[4] = {"other", kOther, kPushFrame + call(kOther + 4, kMiddle) + '\xc3', frame_pointer_cfi()};
  //   1140: 55             push %rbp
  //   1141: 48 89 e5       mov %rsp,%rbp
  //   1144: ff d0          call *%rax
  all[5] = {"indirect", kIndirect, kPushFrame + "\xff\xd0\xc3", frame_pointer_cfi()};
  //   1180: the trampoline; the test gives it CFA = rsp+8 like a plain function, pc at CFA-8
  all[6] = {"restorer", kRestorer, "\x90\x0f\x05", "", true};
  return all;
}

MapModules made_up(const std::vector<BuiltFunction>& all) {
  return {"/made/up.so", ElfModule::parse(build_elf(all)).value()};
}

/// The frame of middle: return address of leaf, 0x40 bytes of locals.
Words middle_frame(const Words& locals = Words(8)) {
  Words words{kInMiddle};
  words.insert(words.end(), locals.begin(), locals.end());
  return words;
}

void append(Words& words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
}

std::uint64_t address_of_word(std::size_t index) {
  return kStackStart + index * 8;
}

TEST(Unwinder, RecoversTheFramePointerByTheDirectCall) {
  Words words = middle_frame();
  append(words, {address_of_word(11), kInOuter, 0, kInStart});
  const StackTrace trace = unwind(in_place_snapshot(kPcInLeaf, words), made_up(functions()));
  EXPECT_EQ(names(trace), (Names{"leaf", "middle", "outer", "_start_of_all"}));
  EXPECT_TRUE(trace.complete) << trace.stop_reason;
  EXPECT_FALSE(trace.frames[0].recovered);
  EXPECT_TRUE(trace.frames[1].recovered);
  EXPECT_EQ(trace.frames[0].recovered_by, RecoveredBy::none);
  EXPECT_EQ(trace.frames[1].recovered_by, RecoveredBy::direct_call);
  EXPECT_FALSE(trace.frames[2].recovered);
  EXPECT_EQ(trace.frames[1].offset, kInMiddle - kBias);
  EXPECT_EQ(trace.frames[1].fde_start, kMiddle);
  EXPECT_EQ(trace.frames[1].module, "/made/up.so");
}

TEST(Unwinder, IgnoresAStaleFrameInTheLocals) {
  // An earlier call of middle by other left its saved rbp and return address in the locals; the
  // rbp even leads on to a live frame.
  Words words = middle_frame({0, 0, address_of_word(11), kInOther, 0, 0, 0, 0});
  append(words, {address_of_word(11), kInOuter, 0, kInStart});
  const StackTrace trace = unwind(in_place_snapshot(kPcInLeaf, words), made_up(functions()));
  EXPECT_EQ(names(trace), (Names{"leaf", "middle", "outer", "_start_of_all"}));
}

TEST(Unwinder, AcceptsAnIndirectCallWhoseUnwindCompletes) {
  Words words = middle_frame();
  append(words, {address_of_word(11), kInIndirect, 0, kInStart});
  const StackTrace trace = unwind(in_place_snapshot(kPcInLeaf, words), made_up(functions()));
  EXPECT_EQ(names(trace), (Names{"leaf", "middle", "indirect", "_start_of_all"}));
  EXPECT_TRUE(trace.complete);
  EXPECT_TRUE(trace.frames[1].recovered);
  EXPECT_EQ(trace.frames[1].recovered_by, RecoveredBy::indirect_call);
}

TEST(Unwinder, PrefersTheDirectCallToAnEarlierIndirectOne) {
  // A callback's return address lies between: its unwind would complete as well.
  Words words = middle_frame();
  append(words, {address_of_word(13), kInIndirect, address_of_word(13), kInOuter, 0, kInStart});
  const StackTrace trace = unwind(in_place_snapshot(kPcInLeaf, words), made_up(functions()));
  EXPECT_EQ(names(trace), (Names{"leaf", "middle", "outer", "_start_of_all"}));
}

TEST(Unwinder, SaysWhichRegisterIsMissingWhenNoCallerCanBeVerified) {
  Words words = middle_frame();
  append(words, {0xdead, 0xbeef, 0, 0});
  const StackTrace trace = unwind(in_place_snapshot(kPcInLeaf, words), made_up(functions()));
  EXPECT_EQ(names(trace), (Names{"leaf", "middle"}));
  EXPECT_FALSE(trace.complete);
  EXPECT_NE(trace.stop_reason.find("rbp"), std::string::npos) << trace.stop_reason;
}

TEST(Unwinder, AcceptsADirectCallUpToTheEndOfACutCopy) {
  Words words = middle_frame();
  append(words, {address_of_word(11), kInOuter});
  StackSnapshot snapshot = in_place_snapshot(kPcInLeaf, words);
  snapshot.stack_truncated = true;
  const StackTrace trace = unwind(snapshot, made_up(functions()));
  EXPECT_EQ(names(trace), (Names{"leaf", "middle", "outer"}));
  EXPECT_FALSE(trace.complete);
  EXPECT_EQ(trace.stop_reason, "the copy of the stack ends here");
}

TEST(Unwinder, FollowsKnownRegistersWithoutAScan) {
  Words words = middle_frame();
  append(words, {address_of_word(11), kInOuter, 0, kInStart});
  StackSnapshot snapshot = in_place_snapshot(kPcInLeaf, words);
  snapshot.registers[kRegisterRbp] = address_of_word(9);
  const StackTrace trace = unwind(snapshot, made_up(functions()));
  EXPECT_EQ(names(trace), (Names{"leaf", "middle", "outer", "_start_of_all"}));
  for (const Frame& frame : trace.frames)
    EXPECT_FALSE(frame.recovered);
}

TEST(Unwinder, LooksAReturnAddressUpBeforeItself) {
  // A call that never returns may be the last instruction: the return address is in the next
  // function.
  std::vector<BuiltFunction> all = functions();
  all[0].code = call(kStart, kOuter);
  all.push_back({"next", kStart + 5, "\x90\x90\x90", ""});
  Words words{kInOuter, 0, kInStart};
  StackSnapshot snapshot = in_place_snapshot(kPcInLeaf, words);
  snapshot.registers[kRegisterRbp] = address_of_word(1);
  const StackTrace trace = unwind(snapshot, made_up(all));
  EXPECT_EQ(names(trace), (Names{"leaf", "outer", "_start_of_all"}));
}

TEST(Unwinder, LooksTheFrameBelowASignalTrampolineUpAtItsPc) {
  // The interrupted pc is the first instruction of outer; one byte before it is no function.
  Words words{kBias + kRestorer + 1, kBias + kOuter, kInStart};
  const StackTrace trace = unwind(in_place_snapshot(kPcInLeaf, words), made_up(functions()));
  EXPECT_EQ(names(trace), (Names{"leaf", "<signal>", "outer", "_start_of_all"}));
  EXPECT_EQ(trace.frames[1].kind, FrameKind::signal);
  EXPECT_TRUE(trace.complete);
}

TEST(Unwinder, NamesNothingOutsideASymbol) {
  std::vector<BuiltFunction> all = functions();
  all[1].name.clear();
  Words words{kInOuter, 0, kInStart};
  StackSnapshot snapshot = in_place_snapshot(kPcInLeaf, words);
  snapshot.registers[kRegisterRbp] = address_of_word(1);
  const StackTrace trace = unwind(snapshot, made_up(all));
  EXPECT_EQ(names(trace), (Names{"leaf", "?", "_start_of_all"}));
  EXPECT_EQ(trace.frames[1].fde_start, kOuter);
}

TEST(Unwinder, StopsWhereNoTableCoversThePc) {
  std::vector<BuiltFunction> all = functions();
  all[1].has_fde = false;
  const StackTrace trace =
      unwind(in_place_snapshot(kPcInLeaf, {kInOuter, 0, kInStart}), made_up(all));
  EXPECT_EQ(names(trace), (Names{"leaf", "outer"}));
  EXPECT_FALSE(trace.complete);
  EXPECT_NE(trace.stop_reason.find("no unwind table entry for 0x1049"), std::string::npos)
      << trace.stop_reason;
}

TEST(Unwinder, ShowsJitCodeAndStops) {
  StackSnapshot snapshot = in_place_snapshot(kPcInLeaf, {0x7000'0010, 0, 0});
  Mapping code;
  code.start = 0x7000'0000;
  code.end = 0x7000'1000;
  code.readable = code.executable = true;
  snapshot.mappings.insert(snapshot.mappings.begin(), code);
  const StackTrace trace = unwind(snapshot, made_up(functions()));
  ASSERT_EQ(names(trace), (Names{"leaf", "?"}));
  EXPECT_EQ(trace.frames[1].kind, FrameKind::jit);
  EXPECT_EQ(trace.stop_reason, "no unwind tables for JIT code");
}

TEST(Unwinder, StopsAtAReturnAddressThatIsNoCode) {
  const StackTrace trace =
      unwind(in_place_snapshot(kPcInLeaf, {kStackStart + 8, 0}), made_up(functions()));
  EXPECT_EQ(names(trace), (Names{"leaf"}));
  EXPECT_NE(trace.stop_reason.find("not in executable memory"), std::string::npos);
}

TEST(Unwinder, StopsWhenTheFramePointerLeadsDown) {
  Words words{kInOuter, 0, kInOuter, 0, 0};
  StackSnapshot snapshot = in_place_snapshot(kPcInLeaf, words);
  words[1] = address_of_word(1);  // the saved rbp points at itself
  snapshot = in_place_snapshot(kPcInLeaf, words);
  snapshot.registers[kRegisterRbp] = address_of_word(1);
  const StackTrace trace = unwind(snapshot, made_up(functions()));
  EXPECT_FALSE(trace.complete);
  EXPECT_LE(trace.frames.size(), 3U);
  EXPECT_FALSE(trace.stop_reason.empty());
}

TEST(Unwinder, LeavesOutTheMiddleOfADeepStack) {
  Words words{kInOuter};
  for (std::size_t i = 0; i < kMaxFrames + 10; ++i)
    append(words, {address_of_word(words.size() + 2), kInOuter});
  append(words, {0, kInStart});
  StackSnapshot snapshot = in_place_snapshot(kPcInLeaf, words);
  snapshot.registers[kRegisterRbp] = address_of_word(1);
  const StackTrace trace = unwind(snapshot, made_up(functions()));
  EXPECT_TRUE(trace.complete) << trace.stop_reason;
  EXPECT_EQ(trace.stop_reason, "");
  // leaf, the first outer, kMaxFrames + 10 more, _start_of_all
  EXPECT_EQ(trace.frames.size() + trace.omitted, kMaxFrames + 13);
  EXPECT_LE(trace.frames.size(), kMaxFrames);
  EXPECT_GT(trace.omitted_after, 0U);
  EXPECT_LT(trace.omitted_after, trace.frames.size());
  EXPECT_EQ(names(trace).front(), "leaf");
  EXPECT_EQ(names(trace).back(), "_start_of_all");
}

TEST(Unwinder, EndsAWalkThatDoesNotEnd) {
  Words words{kInOuter};
  for (std::size_t i = 0; i < kMaxWalk + 10; ++i)
    append(words, {address_of_word(words.size() + 2), kInOuter});
  StackSnapshot snapshot = in_place_snapshot(kPcInLeaf, words);
  snapshot.registers[kRegisterRbp] = address_of_word(1);
  const StackTrace trace = unwind(snapshot, made_up(functions()));
  EXPECT_FALSE(trace.complete);
  EXPECT_EQ(trace.frames.size() + trace.omitted, kMaxWalk);
  EXPECT_EQ(trace.stop_reason, "more than 100000 frames");
}

TEST(Unwinder, ShowsOneFrameOfAModuleThatIsMissing) {
  const StackTrace trace =
      unwind(in_place_snapshot(kPcInLeaf, {kInOuter, 0, kInStart}), MapModules());
  ASSERT_EQ(trace.frames.size(), 1U);
  EXPECT_EQ(trace.frames[0].module, "/made/up.so");
  EXPECT_NE(trace.stop_reason.find("/made/up.so"), std::string::npos);
}

TEST(Unwinder, SaysThatRegistersAreMissing) {
  StackSnapshot snapshot = in_place_snapshot(kPcInLeaf, {});
  snapshot.registers[kRegisterRip].reset();
  const StackTrace trace = unwind(snapshot, made_up(functions()));
  EXPECT_TRUE(trace.frames.empty());
  EXPECT_FALSE(trace.stop_reason.empty());
}

}  // namespace
}  // namespace pghang::test
