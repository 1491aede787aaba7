#include "daemon/chronicle/bundle_writer.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace pghang {
namespace {

class Writer : public testing::Test {
 protected:
  Writer() {
    std::string name = testing::TempDir() + "pghang-writer-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    settings_.directory = folder_;
  }

  ~Writer() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      names.insert(entry.path().filename());
    return names;
  }

  BundleWriter::Done count() {
    return [this](const std::string& result, const std::string& context) {
      told_.emplace_back(result, context);
    };
  }

  /// Runs the loop until `n` results were told.
  void wait_for(std::size_t n) {
    const auto work = boost::asio::make_work_guard(loop_);
    while (told_.size() < n && loop_.run_one_for(std::chrono::seconds(10)) > 0) {
    }
    ASSERT_EQ(told_.size(), n);
  }

  std::filesystem::path folder_;
  BundleSettings settings_;
  boost::asio::io_context loop_;
  std::vector<std::pair<std::string, std::string>> told_;
};

TEST_F(Writer, WritesBesideTheLoop) {
  BundleWriter writer(loop_.get_executor(), settings_, count());
  Bundle bundle;
  bundle.incident = "20261122T151203Z-4711";
  writer.submit("20261122T151203Z-4711", bundle);
  wait_for(1);
  const std::string path = folder_ / "20261122T151203Z-4711.pghang";
  EXPECT_EQ(told_[0], std::pair(std::string("written"), path));
  EXPECT_EQ(read_bundle(path)->incident, "20261122T151203Z-4711");
}

TEST_F(Writer, WithoutADirectoryDoesNothing) {
  BundleWriter writer(loop_.get_executor(), BundleSettings{}, count());
  EXPECT_FALSE(writer.enabled());
  writer.submit("x", {});
  EXPECT_EQ(loop_.run_for(std::chrono::milliseconds(20)), 0U);
}

TEST_F(Writer, SaysWhatWentWrong) {
  settings_.directory = folder_ / "missing";
  BundleWriter writer(loop_.get_executor(), settings_, count());
  writer.submit("x", {});
  wait_for(1);
  EXPECT_EQ(told_[0].first, "failed");
  EXPECT_NE(told_[0].second.find("No such file or directory"), std::string::npos);
}

/// A FIFO as directory would not hang; what does is a disk, so: a queue that nobody empties because
/// its thread is busy with many.
TEST_F(Writer, DropsAndCountsWhatTheDiskDoesNotKeepUpWith) {
  BundleWriter writer(loop_.get_executor(), settings_, count());
  Bundle large;
  large.evidence.capture.snapshot.resize(8UL << 20U, 'x');
  constexpr std::size_t kMany = 10 * BundleWriter::kMaxWaiting;
  for (std::size_t i = 0; i < kMany; ++i)
    writer.submit(std::to_string(i), large);
  wait_for(kMany);
  std::size_t dropped = 0;
  for (const auto& [result, context] : told_)
    dropped += result == "dropped" ? 1U : 0U;
  EXPECT_GT(dropped, 0U);
  EXPECT_EQ(files().size(), kMany - dropped) << "each was written or told as dropped";
}

TEST_F(Writer, KeepsTheNewestOfItsOwnAndNothingElseIsTouched) {
  for (const char* const name :
       {"20261120T000000Z-1.pghang",
        "20261121T000000Z-1.pghang",
        "20261121T000000Z-1-2.pghang",
        "20261122T000000Z-1.pghang",
        "mine.pghang",
        "20261101T000000Z-1.txt"})
    std::ofstream(folder_ / name) << name;
  trim_bundles(folder_, 2);
  EXPECT_EQ(
      files(),
      (std::set<std::string>{
          "20261121T000000Z-1.pghang",
          "20261122T000000Z-1.pghang",
          "mine.pghang",
          "20261101T000000Z-1.txt"})
  );
}

TEST(BundleDirectory, MayBeSystemds) {
  ASSERT_EQ(
      ::setenv("STATE_DIRECTORY", "/var/lib/pghangd", 1),
      0
  );  // NOLINT(concurrency-mt-unsafe)
  EXPECT_EQ(bundle_directory("${STATE_DIRECTORY}/bundles"), "/var/lib/pghangd/bundles");
  EXPECT_EQ(bundle_directory("/srv/x"), "/srv/x");
  ::unsetenv("STATE_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace
}  // namespace pghang
