#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/commands/commands.h"

/// `pghangd check-signatures`: what it prints and how it ends.
namespace pghang {
namespace {

constexpr const char* kSeedStack =
    "#0  0x00007f4bced78f13 in __epoll_wait_nocancel () from /lib64/libc.so.6\n"
    "#1  0x0000000000753c35 in WaitEventSetWait ()\n"
    "#2  0x000000000076d103 in ConditionVariableSleep ()\n"
    "#3  0x00000000004cc4e1 in _bt_parallel_seize ()\n";

class CheckSignatures : public testing::Test {
 public:
  CheckSignatures(const CheckSignatures&) = delete;
  CheckSignatures& operator=(const CheckSignatures&) = delete;

  ~CheckSignatures() override { std::filesystem::remove_all(folder_); }

 protected:
  CheckSignatures() {
    std::string name = (std::filesystem::temp_directory_path() / "pghang_check_XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) folder_ = name;
  }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

  /// Runs the command; what it printed is in `out` and `err`.
  ExitCode run(const std::vector<std::string>& files) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const ExitCode code = check_signatures_command(files);
    out = testing::internal::GetCapturedStdout();
    err = testing::internal::GetCapturedStderr();
    return code;
  }

  std::string out;
  std::string err;

 private:
  std::filesystem::path folder_;
};

TEST_F(CheckSignatures, CountsThoseOfAFileThatIsRight) {
  const auto file =
      write("own.yaml", "signatures: [{id: own, title: t, references: r, frames: f}]\n");
  EXPECT_EQ(run({file}), ExitCode::done);
  EXPECT_EQ(out, file + ": ok: 1 signature\n");
}

TEST_F(CheckSignatures, PrintsEveryProblemOfAFileThatIsWrong) {
  const auto file = write("own.yaml", "signatures:\n  - {id: A, title: t, references: r}\n");
  EXPECT_EQ(run({file}), ExitCode::configuration);
  EXPECT_EQ(
      out,
      file + ":2: signatures[0].id: may only have a-z, 0-9, _ and -\n" + file +
          ":2: signatures[0]: needs `frames`, `module` or `wait_event`: it would match everything\n"
  );
}

TEST_F(CheckSignatures, SaysWhatASavedStackMatches) {
  const auto file = write("pstack.txt", kSeedStack);
  EXPECT_EQ(run({file}), ExitCode::done);
  EXPECT_EQ(
      out,
      file +
          ": 1 signature\n"
          "  btree-parallel-seize (certain): A parallel btree scan waits for its turn with a page "
          "lock held, and nobody will wake it\n"
          "    fixed in 10.5, 11.0; it may be this bug if this server is older than the fix of its "
          "major version\n"
  );
}

TEST_F(CheckSignatures, HoldsSavedHangsAgainstTheFilesGivenWithThem) {
  const auto own = write(
      "own.yaml",
      "signatures: [{id: own, title: Ours, references: r, frames: "
      "[epoll_wait, WaitEventSetWait, ConditionVariableSleep, _bt_parallel_seize, ours]}]\n"
  );
  const auto stack = write("pstack.txt", std::string(kSeedStack) + "#4  0x1 in ours ()\n");
  EXPECT_EQ(run({stack, own}), ExitCode::done);
  const auto mine = out.find("  own (likely): Ours\n");
  EXPECT_NE(mine, std::string::npos) << out;
  EXPECT_LT(mine, out.find("btree-parallel-seize")) << out;
}

TEST_F(CheckSignatures, SaysSoWhenNothingMatches) {
  const auto file = write("stack.txt", "#0 0x1 in nothing_known ()\n");
  EXPECT_EQ(run({file}), ExitCode::done);
  EXPECT_EQ(out, file + ": no signature\n");
}

TEST_F(CheckSignatures, NamesWhatCannotBeReadAndGoesOn) {
  const auto stack = write("pstack.txt", kSeedStack);
  const auto json = write("bad.json", "{");
  const auto text = write("empty.txt", "nothing\n");
  EXPECT_EQ(run({json, text, stack + ".absent", stack}), ExitCode::usage);
  EXPECT_NE(err.find(json + ": is not JSON: "), std::string::npos) << err;
  EXPECT_NE(err.find(text + ": has no frame like "), std::string::npos) << err;
  EXPECT_NE(err.find(".absent: cannot be opened"), std::string::npos) << err;
  EXPECT_NE(out.find("btree-parallel-seize"), std::string::npos) << out;
}

}  // namespace
}  // namespace pghang
