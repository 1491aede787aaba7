#include "daemon/controls/web_config_watch.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace pghang {
namespace {

using std::chrono::milliseconds;

class WatchedFile : public testing::Test {
 protected:
  WatchedFile() { write("rate_limit: {interval: 1s, burst: 1}\n"); }

  ~WatchedFile() override {
    watch_.reset();
    std::filesystem::remove(path_);
  }

  /// Whole at once.
  void write(const std::string& text) {
    std::ofstream(path_ + ".new") << text;
    std::filesystem::rename(path_ + ".new", path_);
  }

  void start() {
    watch_ = std::make_unique<WebConfigWatch>(
        loop_.get_executor(),
        path_,
        milliseconds(5),
        [this](LoadedWebAccess loaded) { seen_.push_back(std::move(loaded)); }
    );
    watch_->start(read_web_config(path_));
  }

  /// Runs the loop until so many readings came, for at most 20 s.
  void wait_for(std::size_t readings) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (seen_.size() < readings && std::chrono::steady_clock::now() < deadline)
      loop_.run_one_for(milliseconds(50));
    ASSERT_GE(seen_.size(), readings);
  }

  std::string path_ = testing::TempDir() + "web_config_watch_" + std::to_string(getpid());
  boost::asio::io_context loop_{1};
  std::vector<LoadedWebAccess> seen_;
  std::unique_ptr<WebConfigWatch> watch_;
};

TEST_F(WatchedFile, IsReadAgainWhenItChangesAndNotBefore) {
  start();
  loop_.run_for(milliseconds(100));
  EXPECT_TRUE(seen_.empty());
  write("rate_limit: {interval: 1s, burst: 22}\n");
  wait_for(1);
  EXPECT_EQ(seen_.front().access.config.rate_limit.burst, 22U);
  const std::size_t before = seen_.size();
  loop_.run_for(milliseconds(100));
  EXPECT_LE(seen_.size(), before + 1);
}

TEST_F(WatchedFile, IsReadAgainAsLongAsItHasProblems) {
  start();
  write("nonsense: 1\n");
  wait_for(3);
  EXPECT_FALSE(seen_.back().ok());
  write("rate_limit: {interval: 1s, burst: 22}\n");
  while (!seen_.back().ok())
    wait_for(seen_.size() + 1);
  EXPECT_EQ(seen_.back().access.config.rate_limit.burst, 22U);
}

TEST_F(WatchedFile, IsReadAtOnceWhenAsked) {
  start();
  while (!watch_->read_now())
    loop_.run_for(milliseconds(5));
  wait_for(1);
  EXPECT_TRUE(seen_.front().ok());
}

TEST_F(WatchedFile, WhoHasGoneIsToldNothing) {
  start();
  while (!watch_->read_now())
    loop_.run_for(milliseconds(5));
  watch_.reset();
  loop_.run_for(milliseconds(100));
  EXPECT_TRUE(seen_.empty());
}

TEST_F(WatchedFile, WhatIsNotThereIsAProblem) {
  const WebConfigReading reading = read_web_config(path_ + ".absent");
  EXPECT_FALSE(reading.loaded.ok());
  ASSERT_EQ(reading.marks.size(), 1U);
  EXPECT_FALSE(reading.marks.front().there);
}

}  // namespace
}  // namespace pghang
