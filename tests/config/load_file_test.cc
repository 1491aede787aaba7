#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "config/loader.h"

/// Reading from the file system.
namespace pghang {
namespace {

class LoadFile : public testing::Test {
 public:
  LoadFile(const LoadFile&) = delete;
  LoadFile& operator=(const LoadFile&) = delete;

  ~LoadFile() override { std::filesystem::remove_all(folder_); }

 protected:
  LoadFile() {
    std::string name = (std::filesystem::temp_directory_path() / "pghang_config_XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) folder_ = name;
  }

  [[nodiscard]] std::string path() const { return (folder_ / "pghangd.yaml").string(); }

  void write(const std::string& text) const { std::ofstream(path()) << text; }

  /// The only problem, of the whole file.
  [[nodiscard]] std::string problem() const {
    const LoadedConfig loaded = load_config(path());
    if (loaded.problems.size() != 1 || loaded.problems[0].file != path()) return "";
    if (to_string(loaded.problems[0]) != path() + ": " + loaded.problems[0].message) return "";
    return loaded.problems[0].message;
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(LoadFile, ReadsTheFile) {
  write("mode: enforce\n");
  const LoadedConfig loaded = load_config(path());
  EXPECT_TRUE(loaded.ok());
  EXPECT_EQ(loaded.settings.mode, Mode::enforce);
}

TEST_F(LoadFile, ReadsAFileLargerThanOneRead) {
  write(std::string(50'000, '\n') + "mode: enforce\n" + std::string(50'000, '\n'));
  EXPECT_EQ(load_config(path()).settings.mode, Mode::enforce);
}

TEST_F(LoadFile, FollowsASymbolicLink) {
  write("mode: enforce\n");
  std::filesystem::create_symlink(path(), path() + ".link");
  EXPECT_EQ(load_config(path() + ".link").settings.mode, Mode::enforce);
}

TEST_F(LoadFile, NamesThePathInEveryProblem) {
  write("\nmode: x\n");
  const LoadedConfig loaded = load_config(path());
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_EQ(
      to_string(loaded.problems[0]),
      path() + ":2: mode: \"x\" is not one of `observe`, `enforce`"
  );
}

TEST_F(LoadFile, AMissingFileSaysSo) {
  EXPECT_EQ(problem(), "cannot be opened: No such file or directory");
}

TEST_F(LoadFile, AnUnreadableFileSaysSo) {
  write("mode: observe\n");
  ASSERT_EQ(chmod(path().c_str(), 0), 0);
  // Root may read everything; nobody may not.
  constexpr uid_t nobody = 65534;
  const uid_t self = geteuid();
  if (self == 0) {
    ASSERT_EQ(seteuid(nobody), 0);
  }
  const std::string message = problem();
  ASSERT_EQ(seteuid(self), 0);
  EXPECT_EQ(message, "cannot be opened: Permission denied");
}

TEST_F(LoadFile, AFolderIsNoFile) {
  std::filesystem::create_directory(path());
  EXPECT_EQ(problem(), "is not a regular file");
}

TEST_F(LoadFile, AFifoDoesNotHangUs) {
  ASSERT_EQ(mkfifo(path().c_str(), 0600), 0);
  EXPECT_EQ(problem(), "is not a regular file");
}

TEST_F(LoadFile, ATooLargeFileSaysSo) {
  write(std::string((1U << 20U) + 1, '\n'));
  EXPECT_EQ(problem(), "is larger than 1 MiB");
}

}  // namespace
}  // namespace pghang
