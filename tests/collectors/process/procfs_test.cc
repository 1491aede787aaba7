#include "collectors/process/procfs.h"

#include <unistd.h>

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/collectors/process/support.h"

namespace pghang {
namespace {

using testing::FakeProc;

TEST(ProcFs, ReadsAFileOfAProcessUpToALimit) {
  const FakeProc fake;
  fake.write("4711/stat", std::string(40'000, 'x') + "end");
  EXPECT_EQ(fake.proc().read(4711, "stat").value().size(), 40'003U);
  EXPECT_EQ(fake.proc().read(4711, "stat", 20'000).value(), std::string(20'000, 'x'));
}

TEST(ProcFs, AProcessThatIsGoneIsNotFound) {
  const FakeProc fake;
  EXPECT_EQ(fake.proc().read(4711, "stat").error().code, Errc::not_found);
  EXPECT_EQ(fake.proc().link(4711, "exe").error().code, Errc::not_found);
  EXPECT_EQ(fake.proc().list(4711, "task").error().code, Errc::not_found);
  EXPECT_EQ(fake.proc().links(4711, "fd").error().code, Errc::not_found);
}

TEST(ProcFs, AnErrorNamesTheFileAndTheReason) {
  const FakeProc fake;
  fake.make_directory("4711/stat");
  const Error error = fake.proc().read(4711, "stat").error();
  EXPECT_EQ(error.code, Errc::io);
  EXPECT_EQ(error.context, fake.path().string() + "/4711/stat: Is a directory");
}

TEST(ProcFs, OnlyNumbersAreProcesses) {
  const FakeProc fake;
  for (const char* name : {"1", "4711", "self", "12x", "0", "-3", "99999999999999"})
    fake.make_directory(name);
  std::vector<pid_t> pids = fake.proc().pids().value();
  std::sort(pids.begin(), pids.end());
  EXPECT_EQ(pids, (std::vector<pid_t>{1, 4711}));
}

TEST(ProcFs, ListsADirectory) {
  const FakeProc fake;
  fake.write("4711/task/4711/stat", "");
  fake.write("4711/task/4712/stat", "");
  std::vector<std::string> names = fake.proc().list(4711, "task").value();
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"4711", "4712"}));
}

TEST(ProcFs, ReadsLinksWithoutFollowingThem) {
  const FakeProc fake;
  fake.link("4711/fd/3", "/nowhere/at all (deleted)");
  EXPECT_EQ(fake.proc().link(4711, "fd/3").value(), "/nowhere/at all (deleted)");
  const auto links = fake.proc().links(4711, "fd").value();
  ASSERT_EQ(links.size(), 1U);
  EXPECT_EQ(links[0].name, "3");
  EXPECT_EQ(links[0].text, "/nowhere/at all (deleted)");
}

TEST(ProcFs, TheRealOneHoldsThisProcess) {
  const ProcFs proc;
  const std::vector<pid_t> pids = proc.pids().value();
  EXPECT_EQ(std::count(pids.begin(), pids.end(), ::getpid()), 1);
  EXPECT_EQ(
      proc.link(::getpid(), "exe").value(),
      PGHANG_BINARY_DIR "/tests/collectors/process/process_test"
  );
}

}  // namespace
}  // namespace pghang
