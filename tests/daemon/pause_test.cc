#include "daemon/controls/pause.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "daemon/chronicle/chronicle.h"
#include "daemon/controls/pause_desk.h"
#include "daemon/controls/pause_file.h"
#include "daemon/service/logger.h"

namespace pghang {
namespace {

Pause some_pause() {
  return {
      .since_micros = 1'764'226'800'000'000,
      .until_micros = 1'764'230'400'000'000,
      .by = "uid 0, pid 4711",
      .reason = "upgrade of the storage"};
}

TEST(Pause, IsReadBackAsItWasWritten) {
  EXPECT_EQ(parse_pause(pause_text(some_pause())).value(), some_pause());
  Pause endless = some_pause();
  endless.until_micros.reset();
  endless.reason.clear();
  EXPECT_EQ(parse_pause(pause_text(endless)).value(), endless);
}

TEST(Pause, AReasonIsOneLine) {
  Pause pause = some_pause();
  pause.reason = "one\nuntil 99";
  EXPECT_EQ(parse_pause(pause_text(pause)).value().reason, "one until 99");
}

TEST(Pause, AFileCutShortAnywhereIsNone) {
  const std::string whole = pause_text(some_pause());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_pause(whole.substr(0, size))) << size;
  EXPECT_FALSE(parse_pause(whole + "x"));
}

/// A folder, and a loop with all that a desk tells.
class Paused : public ::testing::Test {
 protected:
  Paused() {
    std::string name = "/tmp/pghang-pause-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/pause";
  }

  ~Paused() override {
    ::unlink(path_.c_str());
    ::unlink((path_ + ".new").c_str());
    ::rmdir(folder_.c_str());
  }

  [[nodiscard]] std::unique_ptr<PauseDesk> desk(const std::string& path) {
    return std::make_unique<PauseDesk>(loop_.get_executor(), path, chronicle_, [this](bool paused) {
      applied_ = paused;
    });
  }

  /// Runs until the desk answers, or what it loads is there.
  template <typename Condition>
  void until(const Condition& condition) {
    for (int i = 0; i < 500 && !condition(); ++i)
      loop_.run_one_for(std::chrono::milliseconds(20));
    ASSERT_TRUE(condition());
  }

  LifecycleAnswer pause(PauseDesk& desk, Duration length) {
    std::optional<LifecycleAnswer> answer;
    desk.pause(length, "why", "me", [&](LifecycleAnswer said) { answer = std::move(said); });
    EXPECT_TRUE(applied_) << "at once, before anything is saved";
    until([&] { return answer.has_value(); });
    return *answer;
  }

  boost::asio::io_context loop_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{
      loop_.get_executor()};  ///< as a daemon's loop always has
  View view_;
  Metrics metrics_{"test"};
  Logger log_{LogLevel::error, LogFormat::logfmt};
  Chronicle chronicle_{view_, metrics_, log_, Incidents{}, wall_clock_micros};
  std::optional<bool> applied_;
  std::string folder_;
  std::string path_;
};

TEST_F(Paused, UntilTheFileWasReadNothingIsSignalled) {
  auto desk = this->desk(path_);
  desk->start();
  EXPECT_EQ(applied_, true);
  EXPECT_TRUE(view_.pause.paused);
  until([&] { return applied_ == false; });
  EXPECT_FALSE(view_.pause.paused);
}

TEST_F(Paused, SurvivesARestartAndEndsWithAResume) {
  {
    auto desk = this->desk(path_);
    desk->start();
    const LifecycleAnswer answer = pause(*desk, std::chrono::hours(1));
    EXPECT_TRUE(answer.lasting) << answer.text;
  }

  struct stat file {};

  ASSERT_EQ(::stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777U, 0600U);
  applied_.reset();
  auto desk = this->desk(path_);
  desk->start();
  until([&] { return view_.pause.reason == "why"; });
  EXPECT_EQ(applied_, true);
  std::optional<LifecycleAnswer> answer;
  desk->resume("me", [&](LifecycleAnswer said) { answer = std::move(said); });
  EXPECT_EQ(applied_, false);
  until([&] { return answer.has_value(); });
  EXPECT_EQ(answer->text, "resumed");
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
}

TEST_F(Paused, EndsByItselfAndTakesItsFileWithIt) {
  auto desk = this->desk(path_);
  desk->start();
  ASSERT_TRUE(pause(*desk, std::chrono::milliseconds(50)).lasting);
  until([&] { return applied_ == false && ::access(path_.c_str(), F_OK) != 0; });
  EXPECT_FALSE(view_.pause.paused);
}

TEST_F(Paused, APauseThatEndedWhileNobodyRanIsOver) {
  Pause old = some_pause();
  ASSERT_TRUE(write_pause(path_, old));
  auto desk = this->desk(path_);
  desk->start();
  until([&] { return applied_ == false; });
}

TEST_F(Paused, ADamagedFilePausesUntilSomebodyResumes) {
  std::ofstream(path_) << "pghangd pause 1\nsince 17";
  auto desk = this->desk(path_);
  desk->start();
  until([&] { return view_.pause.reason.find("until somebody resumes") != std::string::npos; });
  EXPECT_EQ(applied_, true);
  EXPECT_FALSE(view_.pause.until_micros);
}

TEST_F(Paused, WhatCannotBeSavedIsDoneAndSaidSo) {
  auto desk = this->desk(folder_ + "/missing/pause");
  desk->start();
  until([&] { return applied_ == false; });
  const LifecycleAnswer answer = pause(*desk, std::chrono::hours(1));
  EXPECT_FALSE(answer.lasting);
  EXPECT_NE(answer.text.find("NOT kept over a restart"), std::string::npos) << answer.text;
  EXPECT_NE(view_.pause.problem, "");
  EXPECT_TRUE(view_.pause.paused);
}

TEST_F(Paused, WithoutAStateDirectoryAPauseIsNotKept) {
  auto desk = this->desk("");
  desk->start();
  EXPECT_EQ(applied_, false);
  EXPECT_FALSE(pause(*desk, std::chrono::hours(1)).lasting);
}

TEST_F(Paused, AnAnswerComesThoughTheDiskHangs) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  ASSERT_EQ(
      ::mkfifo((path_ + ".new").c_str(), 0600),
      0
  );  // opened for writing it waits for a reader
  auto desk = this->desk(path_);
  desk->start();
  const LifecycleAnswer answer = pause(*desk, std::chrono::hours(1));
  EXPECT_NE(answer.text.find("the disk does not answer"), std::string::npos) << answer.text;
  EXPECT_EQ(applied_, true);
  // What is written after this one has closed is a broken pipe: an error to the daemon.
  std::signal(SIGPIPE, SIG_IGN);
  std::ifstream let_go(path_ + ".new");
}

}  // namespace
}  // namespace pghang
