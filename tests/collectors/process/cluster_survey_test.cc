#include "collectors/process/cluster_survey.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/collectors/process/support.h"

/// Whom a survey looks at, and what it says of those it does not.
namespace pghang {
namespace {

using testing::FakeProc;

/// Above any kernel's pid_max, so that no memory of a real process is read.
constexpr pid_t kPostmaster = 99'999'000;
constexpr pid_t kTarget = 99'999'001;
constexpr pid_t kFirst = 99'999'002;
constexpr pid_t kSecond = 99'999'003;

class ClusterSurvey : public ::testing::Test {
 protected:
  void SetUp() override {
    add(kPostmaster, 'S', "ep_poll");
    add(kTarget, 'S', "futex_wait");
    add(kFirst, 'S', "ep_poll");
    add(kSecond, 'D', "folio_wait_bit");
    set_children({kTarget, kFirst, kSecond});
    fake_.write("self/status", "State:\tR (running)\nPid:\t5\nUid:\t0\t0\t0\t0\nCapEff:\t0\n");
  }

  void add(pid_t pid, char state, const std::string& wchan) const {
    const std::string folder = std::to_string(pid) + '/';
    fake_.write(
        folder + "stat",
        std::to_string(pid) + " (postgres) " + state +
            " 1 1 1 0 -1 64 0 0 0 0 0 0 0 0 20 0 1 0 77 0 0\n"
    );
    fake_.write(
        folder + "status",
        std::string("State:\t") + state + " (any)\nPid:\t" + std::to_string(pid) + "\nNSpid:\t" +
            std::to_string(pid) +
            "\t17\nTracerPid:\t0\nUid:\t1\t1\t1\t1\nSigPnd:\t0\nShdPnd:\t4000\nSigBlk:\t0\nSigIgn:"
            "\t0\nSigCgt:\t0\nCapEff:\t0\nvoluntary_ctxt_switches:\t1\n"
            "nonvoluntary_ctxt_switches:\t1\n"
    );
    fake_.write(folder + "cmdline", "postgres: app shop [local] " + std::to_string(pid));
    fake_.write(folder + "wchan", wchan);
    fake_.write(folder + "syscall", "0 0x5 0x1 0x1 0x0 0x0 0x0 0x7ffd 0x7f00\n");
  }

  void set_children(const std::vector<pid_t>& pids) const {
    std::string text;
    for (const pid_t pid : pids)
      text += std::to_string(pid) + ' ';
    const std::string postmaster = std::to_string(kPostmaster);
    fake_.write(postmaster + "/task/" + postmaster + "/children", text);
  }

  std::vector<ClusterProcess> survey(std::chrono::milliseconds budget = std::chrono::seconds(10)) {
    return survey_cluster(fake_.proc(), kTarget, kPostmaster, {}, missing_, budget);
  }

  std::vector<pid_t> surveyed() {
    std::vector<pid_t> pids;
    for (const ClusterProcess& process : survey())
      pids.push_back(process.key.pid);
    return pids;
  }

  FakeProc fake_;
  std::vector<Missing> missing_;
};

TEST_F(ClusterSurvey, IsOfThePostmasterAndItsOtherChildrenThoseThatRestLast) {
  EXPECT_EQ(surveyed(), (std::vector<pid_t>{kSecond, kPostmaster, kFirst}));
  EXPECT_TRUE(missing_.empty());
}

TEST_F(ClusterSurvey, ShowsTheSystemCallOfThoseThatDoNotRest) {
  const auto processes = survey();
  ASSERT_EQ(processes.size(), 3U);
  ASSERT_TRUE(processes[0].syscall);
  EXPECT_EQ(processes[0].syscall->name, "read");
  EXPECT_EQ(processes[0].wchan, "folio_wait_bit");
  EXPECT_EQ(processes[0].key.start_ticks, 77U);
  EXPECT_EQ(processes[0].sample.state, ProcessState::uninterruptible);
  EXPECT_TRUE(is_pending(processes[0].sample.signals, 15));
  EXPECT_EQ(processes[0].title, "postgres: app shop [local] " + std::to_string(kSecond));
}

TEST_F(ClusterSurvey, DoesNotTouchTheMemoryOfWhoMayHoldItsMmapLock) {
  const std::string folder = std::to_string(kSecond) + '/';
  for (const char* waits_in : {"9 0x0 0x0 0x0 0x0 0x0 0x0 0x7ffd 0x7f00\n", "-1 0x7ffd 0x7f00\n"}) {
    fake_.write(folder + "syscall", waits_in);
    const auto processes = survey();
    ASSERT_EQ(processes.size(), 3U);
    EXPECT_EQ(processes[0].title, "postgres") << waits_in;
  }
}

TEST_F(ClusterSurvey, LeavesOutWhoHasEnded) {
  add(kFirst, 'Z', "");
  std::filesystem::remove_all(fake_.path() / std::to_string(kSecond));
  EXPECT_EQ(surveyed(), (std::vector<pid_t>{kPostmaster}));
  EXPECT_TRUE(missing_.empty());
}

TEST_F(ClusterSurvey, OfThePostmasterItselfIsOfItsChildren) {
  EXPECT_EQ(survey_cluster(fake_.proc(), kPostmaster, kPostmaster, {}, missing_).size(), 3U);
}

TEST_F(ClusterSurvey, WithoutTimeSaysHowManyItLeftOut) {
  EXPECT_TRUE(survey(std::chrono::milliseconds(0)).empty());
  ASSERT_EQ(missing_.size(), 1U);
  EXPECT_EQ(missing_[0].evidence, "cluster");
  EXPECT_EQ(missing_[0].error, "3 processes of its cluster not looked at: no time left");
}

TEST_F(ClusterSurvey, OfMoreThanFitKeepsThoseThatDoNotRest) {
  std::vector<pid_t> pids;
  for (pid_t i = 0; i < static_cast<pid_t>(kMaxSurveyed); ++i) {
    pids.push_back(kFirst + i);
    add(pids.back(), 'S', "ep_poll");
  }
  add(pids.back(), 'T', "do_signal_stop");
  set_children(pids);
  const auto processes = survey();
  ASSERT_EQ(processes.size(), kMaxSurveyed);
  EXPECT_EQ(processes[0].key.pid, pids.back());
  ASSERT_EQ(missing_.size(), 1U);
  EXPECT_EQ(missing_[0].error, "1 process of its cluster not looked at: too many");
}

TEST_F(ClusterSurvey, WithoutTheListOfChildrenSaysWhy) {
  std::filesystem::remove_all(fake_.path() / std::to_string(kPostmaster) / "task");
  EXPECT_TRUE(survey().empty());
  ASSERT_EQ(missing_.size(), 1U);
  EXPECT_EQ(missing_[0].evidence, "cluster");
}

Capture child_of(pid_t parent, std::int64_t named) {
  Capture capture;
  capture.key.pid = kTarget;
  capture.ns_pid = 18;
  capture.ppid = parent;
  capture.samples.emplace_back().flags.postmaster_pid = named;
  return capture;
}

TEST_F(ClusterSurvey, KnowsAnOrphanByItsParentInTheServersOwnPidNamespace) {
  EXPECT_FALSE(is_orphan(fake_.proc(), child_of(kPostmaster, 17)));
  EXPECT_TRUE(is_orphan(fake_.proc(), child_of(kPostmaster, 16)));
  // The postmaster itself.
  EXPECT_FALSE(is_orphan(fake_.proc(), child_of(kPostmaster, 18)));
  // A parent that cannot be read, a server whose variables cannot.
  EXPECT_FALSE(is_orphan(fake_.proc(), child_of(1, 16)));
  EXPECT_FALSE(is_orphan(fake_.proc(), child_of(kPostmaster, 0)));
}

TEST_F(ClusterSurvey, FindsThePostmasterUnlessThatIsGone) {
  EXPECT_EQ(postmaster_of(child_of(kPostmaster, 17)), kPostmaster);
  EXPECT_EQ(postmaster_of(child_of(kPostmaster, 18)), kTarget);
  EXPECT_EQ(postmaster_of(child_of(kPostmaster, 0)), 0);
  Capture orphan = child_of(1, 17);
  orphan.orphan = true;
  EXPECT_EQ(postmaster_of(orphan), 0);
  EXPECT_EQ(postmaster_of(Capture{}), 0);
}

}  // namespace
}  // namespace pghang
