#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "collectors/stack/unwinder.h"
#include "tests/collectors/stack/fixture.h"

/// Recorded backends, unwound again. PGHANG_REGENERATE=1 writes the expected texts anew.
namespace pghang::test {
namespace {

std::vector<std::string> recordings() {
  std::vector<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator(kFixtureRoot)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && name != "modules") folders.push_back(name);
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

class Recording : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] static std::string folder() { return std::string(kFixtureRoot) + "/" + GetParam(); }

  [[nodiscard]] static Result<StackSnapshot> snapshot() {
    return decode_snapshot(unpacked_file(folder() + "/snapshot.xz"));
  }

  static void load(MapModules& modules) {
    for (const auto& [path, build_id] : module_list(folder())) {
      const auto module = ElfModule::parse(unpacked_file(module_path(kFixtureRoot, build_id)));
      ASSERT_TRUE(module) << path << ": " << module.error().context;
      EXPECT_EQ((*module)->build_id(), build_id);
      modules.add(path, *module);
    }
  }
};

TEST_P(Recording, UnwindsToTheExpectedFrames) {
  const auto recorded = snapshot();
  ASSERT_TRUE(recorded) << recorded.error().context;
  MapModules modules;
  load(modules);
  const StackTrace trace = unwind(*recorded, modules);
  const std::string text = to_text(trace);
  const std::string path = folder() + "/expected.txt";
  if (std::getenv("PGHANG_REGENERATE") != nullptr) {  // NOLINT(concurrency-mt-unsafe): one thread
    ASSERT_TRUE(write_file(path, text));
  }
  EXPECT_EQ(text, file_text(path));
}

TEST_P(Recording, IsPartialWhenItsStackIsCut) {
  const auto recorded = snapshot();
  ASSERT_TRUE(recorded);
  MapModules modules;
  load(modules);
  const std::size_t all = unwind(*recorded, modules).frames.size();
  constexpr std::size_t steps = 20;
  std::size_t frames = 0;
  for (std::size_t i = 0; i < steps; ++i) {
    StackSnapshot cut = *recorded;
    cut.stack.resize(recorded->stack.size() * i / steps);
    cut.stack_truncated = true;
    const StackTrace trace = unwind(cut, modules);
    EXPECT_GE(trace.frames.size(), 1U);
    EXPECT_LE(trace.frames.size(), all);
    EXPECT_TRUE(trace.complete || !trace.stop_reason.empty());
    frames = std::max(frames, trace.frames.size());
  }
  EXPECT_GT(frames, 1U);
}

TEST_P(Recording, APrefixOfItsSnapshotIsRefused) {
  const std::string bytes = unpacked_file(folder() + "/snapshot.xz");
  ASSERT_FALSE(bytes.empty());
  constexpr std::size_t stride = 61;
  for (std::size_t size = 0; size < bytes.size(); size += stride)
    ASSERT_FALSE(decode_snapshot(std::string_view(bytes).substr(0, size))) << size;
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures,
    Recording,
    testing::ValuesIn(recordings()),
    [](const auto& folder) { return folder.param; }
);

/// The recording `name`, without what is mapped from `left_out`.
StackTrace unwound(const std::string& name, const std::string& left_out = "nothing") {
  const std::string folder = std::string(kFixtureRoot) + "/" + name;
  MapModules modules;
  for (const auto& [path, build_id] : module_list(folder)) {
    if (path.find(left_out) != std::string::npos) continue;
    modules.add(path, ElfModule::parse(unpacked_file(module_path(kFixtureRoot, build_id))).value());
  }
  return unwind(decode_snapshot(unpacked_file(folder + "/snapshot.xz")).value(), modules);
}

TEST(RecordedJit, IsNamedAsSuchAndNeverGuessed) {
  const StackTrace trace = unwound("jit");
  ASSERT_FALSE(trace.frames.empty());
  const Frame& jit = trace.frames.back();
  EXPECT_EQ(jit.kind, FrameKind::jit);
  EXPECT_EQ(jit.function, std::nullopt);
  EXPECT_EQ(jit.module, "");
  EXPECT_FALSE(trace.complete);
  EXPECT_EQ(trace.stop_reason, "no unwind tables for JIT code");
}

TEST(RecordedUpgrade, TheDeletedLibraryIsReadAsItWasLoaded) {
  const StackTrace trace = unwound("deleted_library");
  EXPECT_TRUE(trace.complete) << trace.stop_reason;
  const auto all = names(trace);
  EXPECT_NE(std::find(all.begin(), all.end(), "pghang_through_library"), all.end());
}

TEST(RecordedUpgrade, WithoutTheLibraryTheStackEndsThereAndSaysSo) {
  const StackTrace trace = unwound("deleted_library", "libtarget_library");
  EXPECT_FALSE(trace.complete);
  ASSERT_FALSE(trace.frames.empty());
  EXPECT_TRUE(trace.frames.back().module.ends_with("libtarget_library.so"));
  EXPECT_EQ(trace.frames.back().function, std::nullopt);
  EXPECT_NE(trace.stop_reason.find("could not be had"), std::string::npos) << trace.stop_reason;
}

TEST(RecordedKinds, AreToldApart) {
  EXPECT_EQ(unwound("vdso").frames.front().kind, FrameKind::vdso);
  EXPECT_EQ(unwound("plt_stub").frames.front().kind, FrameKind::plt);
  EXPECT_EQ(unwound("plt_stub").frames.front().function, "pghang_nothing@plt");
  const auto signal = unwound("signal_handler").frames;
  EXPECT_EQ(
      std::count_if(
          signal.begin(),
          signal.end(),
          [](const Frame& frame) { return frame.kind == FrameKind::signal; }
      ),
      1
  );
}

}  // namespace
}  // namespace pghang::test
