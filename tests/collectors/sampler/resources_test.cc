#include <string>

#include <gtest/gtest.h>

#include "collectors/process/procfs.h"
#include "tests/collectors/sampler/support.h"

/// Captures leave nothing behind.
namespace pghang::sampler {
namespace {

using testing::Helper;
using testing::Target;

std::size_t descriptors(pid_t pid) {
  return ProcFs().list(pid, "fd").value().size();
}

std::string children(pid_t pid) {
  return ProcFs().read(pid, "task/" + std::to_string(pid) + "/children").value();
}

long resident_pages(pid_t pid) {
  const std::string statm = ProcFs().read(pid, "statm").value();
  return std::stol(statm.substr(statm.find(' ')));
}

TEST(TwoHundredCaptures, LeaveNoDescriptorNoProcessAndNoMemory) {
  const Target sleeper("sleep");
  const Target spinner("spin");
  Helper helper;
  const pid_t keeper = helper.client().keeper_pid();
  const pid_t worker = helper.stats().worker_pid;
  const auto take = [&](int times) {
    for (int i = 0; i < times; ++i) {
      const pid_t pid = i % 2 == 0 ? sleeper.pid() : spinner.pid();
      ASSERT_TRUE(helper.capture({.pid = pid, .samples = 2, .interval_ms = 1}));
    }
  };
  take(20);
  const std::size_t keeper_descriptors = descriptors(keeper);
  const std::size_t worker_descriptors = descriptors(worker);
  const long keeper_pages = resident_pages(keeper);
  const long worker_pages = resident_pages(worker);
  take(200);
  EXPECT_EQ(helper.stats().worker_pid, worker);
  EXPECT_EQ(descriptors(keeper), keeper_descriptors);
  EXPECT_EQ(descriptors(worker), worker_descriptors);
  EXPECT_EQ(children(worker), "");
  EXPECT_EQ(children(keeper), std::to_string(worker) + " ");
  EXPECT_LE(resident_pages(keeper), keeper_pages + 16);
  EXPECT_LE(resident_pages(worker), worker_pages + 256);
  EXPECT_TRUE(spinner.runs_on());
}

}  // namespace
}  // namespace pghang::sampler
