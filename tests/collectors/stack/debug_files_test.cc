#include "collectors/stack/debug_files.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "collectors/stack/elf_module.h"
#include "collectors/stack/regular_file.h"
#include "tests/collectors/stack/fixture.h"
#include "tests/collectors/stack/gdb_backtrace.h"

/// Separate debug files of a real library, made with objcopy, in every place where they may be.
namespace pghang::test {
namespace {

namespace fs = std::filesystem;

class DebugFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/pghang-debug-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    fs::create_directories(root_ / "lib/.debug");
    fs::create_directories(root_ / "usr/lib/debug/lib");
    library_ = root_ / "lib/x.so";
    fs::copy_file(PGHANG_TARGET_DIR "/libtarget_library.so", library_);
    debug_ = root_ / "x.debug";
    run("objcopy --only-keep-debug " + library_ + " " + debug_.string());
    run("cd " + root_.string() + " && objcopy --strip-all --add-gnu-debuglink=x.debug lib/x.so");
    build_id_ = image().build_id();
    ASSERT_GT(build_id_.size(), 4U);
  }

  void TearDown() override { fs::remove_all(root_); }

  static void run(const std::string& command) { EXPECT_EQ(output_of(command + " 2>&1"), ""); }

  /// The library as it is now.
  ElfImage image() {
    bytes_ = file_text(library_);
    return ElfImage::parse(bytes_).value();
  }

  [[nodiscard]] fs::path by_build_id() const {
    return root_ / "usr/lib/debug/.build-id" / build_id_.substr(0, 2) /
           (build_id_.substr(2) + ".debug");
  }

  void put(const fs::path& path) const {
    fs::create_directories(path.parent_path());
    fs::copy_file(debug_, path);
  }

  void drop_build_id() {
    run("objcopy --remove-section=.note.gnu.build-id " + library_);
    ASSERT_EQ(image().build_id(), "");
  }

  /// Looks below the folder of this test as below a container's root.
  [[nodiscard]] bool found() {
    DebugPlaces places;
    places.roots.push_back(open_root(root_));
    places.debug_root = "/usr/lib/debug";
    places.directory = "/lib";
    const auto file = find_debug_file(places, image());
    return file && has_symbols(file->file);
  }

  static bool has_symbols(const FileBytes& file) {
    const auto parsed = ElfImage::parse(file.view());
    return parsed && !parsed->symbol_table(SHT_SYMTAB).symbols.empty();
  }

  fs::path root_;
  std::string library_;
  fs::path debug_;
  std::string build_id_;
  std::string bytes_;
};

TEST_F(DebugFiles, AreFoundByBuildId) {
  EXPECT_FALSE(found());
  put(by_build_id());
  EXPECT_TRUE(found());
}

TEST_F(DebugFiles, AreFoundByLinkInEachOfItsPlaces) {
  for (const char* place : {"lib/x.debug", "lib/.debug/x.debug", "usr/lib/debug/lib/x.debug"}) {
    EXPECT_FALSE(found());
    put(root_ / place);
    EXPECT_TRUE(found()) << place;
    fs::remove(root_ / place);
  }
}

TEST_F(DebugFiles, AreFoundByLinkWithoutABuildId) {
  drop_build_id();
  put(root_ / "lib/x.debug");
  EXPECT_TRUE(found());
}

TEST_F(DebugFiles, OfAnotherCrcAreNotTaken) {
  put(root_ / "lib/x.debug");
  std::string bytes = file_text(root_ / "lib/x.debug");
  bytes.back() = static_cast<char>(bytes.back() + 1);
  ASSERT_TRUE(write_file(root_ / "lib/x.debug", bytes));
  EXPECT_FALSE(found());
}

TEST_F(DebugFiles, OfAnotherBuildIdAreNotTaken) {
  fs::create_directories(by_build_id().parent_path());
  fs::copy_file(PGHANG_TARGET_DIR "/target_plain", by_build_id());
  EXPECT_FALSE(found());
  // Nor by a link whose CRC is right.
  run("cd " + root_.string() + " && objcopy --remove-section=.gnu_debuglink lib/x.so");
  fs::copy_file(PGHANG_TARGET_DIR "/target_plain", root_ / "lib/other.debug");
  run("cd " + (root_ / "lib").string() + " && objcopy --add-gnu-debuglink=other.debug x.so");
  EXPECT_FALSE(found());
  drop_build_id();
  EXPECT_TRUE(found()) << "without a build id there is only the CRC to go by";
}

TEST_F(DebugFiles, ThatAreNoRegularFilesAreNotEvenOpened) {
  fs::create_directories(by_build_id().parent_path());
  ASSERT_EQ(::mkfifo(by_build_id().c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((root_ / "lib/x.debug").c_str(), 0600), 0);
  EXPECT_FALSE(found()) << "this hangs when a FIFO is opened";
  fs::remove(by_build_id());
  fs::create_directory(by_build_id());
  EXPECT_FALSE(found());
  EXPECT_EQ(open_regular("/dev/null").error().code, Errc::malformed);
  EXPECT_EQ(open_regular("/nonexistent").error().code, Errc::not_found);
  EXPECT_EQ(open_regular("/").error().code, Errc::malformed);
}

TEST_F(DebugFiles, AreLookedForInsideTheRootWhateverLinksSay) {
  put(root_ / "elsewhere/.build-id" / build_id_.substr(0, 2) / (build_id_.substr(2) + ".debug"));
  fs::remove_all(root_ / "usr/lib/debug");
  fs::create_symlink("/elsewhere", root_ / "usr/lib/debug");
  EXPECT_TRUE(found()) << "an absolute link is meant from the container's root";
  fs::remove(root_ / "usr/lib/debug");
  fs::create_symlink("../../../../../../../../../etc", root_ / "usr/lib/debug");
  EXPECT_EQ(
      open_regular_in(open_root(root_), "/usr/lib/debug/passwd").error().code,
      Errc::not_found
  );
}

TEST_F(DebugFiles, ThatAreDamagedMakeNothingWorse) {
  std::string bytes = file_text(debug_);
  for (const std::size_t size : {std::size_t{0}, std::size_t{64}, bytes.size() / 2}) {
    fs::create_directories(by_build_id().parent_path());
    ASSERT_TRUE(write_file(by_build_id(), bytes.substr(0, size)));
    DebugPlaces places;
    places.roots.push_back(open_root(root_));
    places.debug_root = "/usr/lib/debug";
    const UniqueFd fd = open_regular(library_).value();
    const auto module = ElfModule::open(fd.get(), places);
    ASSERT_TRUE(module);
    EXPECT_TRUE((*module)->find("pghang_through_library"));
  }
}

TEST_F(DebugFiles, GiveNamesAndDwarfToAModuleThatIsLoadedAlready) {
  const UniqueFd library = open_regular(library_).value();
  const auto bare = ElfModule::open(library.get()).value();
  EXPECT_TRUE(bare->dwarf().empty());
  const UniqueFd other = open_regular(PGHANG_TARGET_DIR "/target_plain").value();
  EXPECT_EQ(bare->with_debug_file(other.get()), nullptr);
  const UniqueFd debug = open_regular(debug_).value();
  const auto richer = bare->with_debug_file(debug.get());
  ASSERT_NE(richer, nullptr);
  EXPECT_FALSE(richer->dwarf().empty());
  EXPECT_GT(richer->bytes(), bare->bytes());
  EXPECT_EQ(richer->build_id(), bare->build_id());
}

TEST_F(DebugFiles, ThatALinkLeadsToByAPathAreNotTaken) {
  const std::string target = "../x.debug";  // is there: beside the library's folder
  const auto link = debug_link_of(image());
  ASSERT_TRUE(link);
  std::string content = target + std::string(12 - target.size(), '\0');
  content.append(reinterpret_cast<const char*>(&link->crc), sizeof link->crc);
  ASSERT_TRUE(write_file(root_ / "link", content));
  run("cd " + root_.string() + " && objcopy --remove-section=.gnu_debuglink lib/x.so && " +
      "objcopy --add-section=.gnu_debuglink=link lib/x.so");
  ASSERT_NE(image().section(".gnu_debuglink"), nullptr);
  EXPECT_FALSE(debug_link_of(image()));
  EXPECT_FALSE(found());
}

}  // namespace
}  // namespace pghang::test
