#include "exporters/bundle/bundle.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/exporters/sample_data.h"

namespace pghang {
namespace {

Bundle some_bundle() {
  Bundle bundle;
  bundle.written_by = "0.1.0";
  bundle.saved_at_micros = sample::kNow;
  bundle.incident = "20261122T151203Z-4711";
  bundle.target = "main";
  bundle.rule = "stuck-query";
  bundle.evidence = sample::evidence();
  return bundle;
}

class BundleFile : public testing::Test {
 protected:
  BundleFile() {
    std::string name = testing::TempDir() + "pghang-bundle-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }

  ~BundleFile() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }

  std::filesystem::path folder_;
};

TEST(Bundle, HoldsAllOfTheEvidence) {
  const auto bytes = encode_bundle(some_bundle());
  ASSERT_TRUE(bytes);
  const auto read = decode_bundle(*bytes);
  ASSERT_TRUE(read) << read.error().context;
  EXPECT_EQ(*read, some_bundle());
}

TEST(Bundle, IsSmallerThanItsEvidence) {
  Bundle bundle = some_bundle();
  bundle.evidence.capture.snapshot.assign(64UL * 1024, '\0');
  EXPECT_LT(encode_bundle(bundle)->size(), 8U * 1024);
}

TEST(Bundle, OverTheBoundIsNotWritten) {
  Bundle bundle = some_bundle();
  bundle.evidence.capture.snapshot.assign(kMaxUnpackedBundleBytes, 'x');
  EXPECT_EQ(encode_bundle(bundle).error().code, Errc::unsupported);
}

TEST(Bundle, OtherFilesAreNone) {
  for (const char* const text : {"", "PGHANGB", "%PDF-1.7 and so on and on"}) {
    const auto read = decode_bundle(text);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error(), (Error{Errc::malformed, "not a pghangd bundle"})) << text;
  }
}

TEST(Bundle, ALaterFormatIsNamed) {
  std::string bytes = *encode_bundle(some_bundle());
  bytes[8] = 9;
  const auto read = decode_bundle(bytes);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::unsupported);
  EXPECT_EQ(read.error().context, "bundle of format 9, this pghangd knows up to 1");
}

TEST(Bundle, CutShortAnywhereIsRefused) {
  const std::string whole = *encode_bundle(some_bundle());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_bundle(std::string_view(whole).substr(0, size))) << size;
  }
}

TEST(Bundle, DamageIsNoticed) {
  const std::string whole = *encode_bundle(some_bundle());
  std::mt19937 random(15290);
  for (int round = 0; round < 500; ++round) {
    std::string damaged = whole;
    const std::size_t at = 10 + random() % (damaged.size() - 10);
    damaged[at] ^= static_cast<char>(1U << random() % 8);
    const auto read = decode_bundle(damaged);
    if (read) {
      EXPECT_EQ(*read, some_bundle()) << "byte " << at;  // a bit that zstd does not use
    }
  }
}

TEST_F(BundleFile, IsForItsOwnerOnly) {
  ASSERT_TRUE(write_bundle(path("one.pghang"), some_bundle()));

  struct stat about {};

  ASSERT_EQ(::stat(path("one.pghang").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777U, 0600U);
  const auto read = read_bundle(path("one.pghang"));
  ASSERT_TRUE(read) << read.error().context;
  EXPECT_EQ(*read, some_bundle());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << "no draft left";
}

TEST_F(BundleFile, NeverReplacesAFile) {
  std::ofstream(path("precious")) << "precious";
  const auto written = write_bundle(path("precious"), some_bundle());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::refused);
  EXPECT_EQ(written.error().context, path("precious") + ": File exists");
  EXPECT_EQ(std::filesystem::file_size(path("precious")), 8U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << "no draft left";
}

TEST_F(BundleFile, ThatCannotBeReadIsNamed) {
  EXPECT_EQ(read_bundle(path("none")).error().code, Errc::not_found);
  EXPECT_EQ(read_bundle(folder_).error().context, folder_.string() + ": not a regular file");
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_bundle(path("fifo")).error().context, path("fifo") + ": not a regular file");
  EXPECT_EQ(write_bundle(path("no/such/folder"), some_bundle()).error().code, Errc::not_found);
}

}  // namespace
}  // namespace pghang
