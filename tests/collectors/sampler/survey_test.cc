#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "collectors/process/parse_text.h"
#include "collectors/process/procfs.h"
#include "tests/collectors/sampler/support.h"

/// The other processes of a cluster, looked at where the captured one sleeps with interrupts held.
namespace pghang::sampler {
namespace {

using testing::eventually;
using testing::Helper;
using testing::Target;

std::vector<pid_t> children(pid_t pid) {
  const std::string text = ProcFs().read(pid, "task/" + std::to_string(pid) + "/children").value();
  std::vector<pid_t> pids;
  std::string_view words = text;
  for (auto word = take_word(words); !word.empty(); word = take_word(words))
    pids.push_back(to_number<pid_t>(word).value_or(0));
  return pids;
}

class Survey : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(members_.size(), 102U);
    ASSERT_TRUE(eventually([&] { return state(stopped()) == ProcessState::stopped; }));
    ASSERT_TRUE(eventually([&] { return state(members_.back()) == ProcessState::sleeping; }));
  }

  static ProcessState state(pid_t pid) {
    const auto stat = parse_stat(ProcFs().read(pid, "stat").value());
    return stat->state;
  }

  [[nodiscard]] pid_t holder() const { return members_[0]; }

  [[nodiscard]] pid_t stopped() const { return members_[1]; }

  const Target postmaster_{"cluster"};
  const std::vector<pid_t> members_ = children(postmaster_.pid());
  Helper helper_;
};

TEST_F(Survey, OfAProcessThatHoldsInterruptsSeesThePostmasterAndAllItsChildren) {
  const auto capture = helper_.capture({.pid = holder()});
  ASSERT_TRUE(capture) << capture.error().context;
  EXPECT_FALSE(capture->orphan);
  ASSERT_EQ(capture->cluster.size(), 102U);
  for (const ClusterProcess& process : capture->cluster)
    EXPECT_NE(process.key.pid, holder());
}

TEST_F(Survey, PutsWhoDoesNotRunFirstWithItsFlags) {
  const auto capture = helper_.capture({.pid = holder()});
  ASSERT_TRUE(capture);
  ASSERT_FALSE(capture->cluster.empty());
  const ClusterProcess& first = capture->cluster.front();
  EXPECT_EQ(first.key.pid, stopped());
  EXPECT_EQ(first.sample.state, ProcessState::stopped);
  EXPECT_EQ(first.sample.flags.interrupt_holdoff_count, 1);
  EXPECT_TRUE(first.title.ends_with("sampler_fake_backend cluster")) << first.title;
}

TEST_F(Survey, ReadsTheFlagsOfThoseThatIdle) {
  const auto capture = helper_.capture({.pid = holder()});
  ASSERT_TRUE(capture);
  const auto idle = std::find_if(
      capture->cluster.begin(),
      capture->cluster.end(),
      [&](const ClusterProcess& process) { return process.key.pid == members_.back(); }
  );
  ASSERT_NE(idle, capture->cluster.end());
  EXPECT_EQ(idle->sample.flags.interrupt_holdoff_count, 0);
  EXPECT_EQ(idle->sample.state, ProcessState::sleeping);
}

TEST_F(Survey, IsNotMadeForAnOrdinaryWait) {
  const auto capture = helper_.capture({.pid = members_.back()});
  ASSERT_TRUE(capture) << capture.error().context;
  EXPECT_TRUE(capture->postgres);
  EXPECT_TRUE(capture->cluster.empty());
}

TEST_F(Survey, OfAHundredBackendsTakesMilliseconds) {
  ASSERT_TRUE(helper_.capture({.pid = holder()}));  // loads the modules
  std::vector<double> with;
  std::vector<double> without;
  for (int i = 0; i < 9; ++i) {
    with.push_back(helper_.capture({.pid = holder()}).value().cpu_micros);
    without.push_back(helper_.capture({.pid = members_.back()}).value().cpu_micros);
  }
  std::sort(with.begin(), with.end());
  std::sort(without.begin(), without.end());
  std::printf(
      "capture: %.0f us CPU; with a survey of 102 processes: %.0f us CPU (medians of 9)\n",
      without[4],
      with[4]
  );
  EXPECT_LT(with[4] - without[4], 50'000);
}

TEST(Orphan, IsAProcessWhoseParentIsNotItsPostmaster) {
  // fake_backend says that its postmaster is process 4711.
  const Target target("sleep");
  ASSERT_NE(::getpid(), 4711);
  Helper helper;
  const auto capture = helper.capture({.pid = target.pid()});
  ASSERT_TRUE(capture);
  EXPECT_TRUE(capture->orphan);
  EXPECT_TRUE(capture->cluster.empty());
}

}  // namespace
}  // namespace pghang::sampler
