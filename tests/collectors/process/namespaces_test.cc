#include "collectors/process/namespaces.h"

#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/collectors/process/support.h"

namespace pghang {
namespace {

using testing::FakeProc;

RelatedProcess process(pid_t pid) {
  RelatedProcess process;
  process.pid = pid;
  return process;
}

/// A process in a container, 4711 here and 17 there.
class Namespaces : public ::testing::Test {
 protected:
  Namespaces() {
    links(1, "1", "1", "1");
    inside(4711, 17);
  }

  void links(pid_t pid, const std::string& pids, const std::string& mounts, const std::string& net)
      const {
    const std::string folder = std::to_string(pid) + "/ns";
    fake_.make_directory(folder);
    fake_.link(folder + "/pid", "pid:[" + pids + "]");
    fake_.link(folder + "/mnt", "mnt:[" + mounts + "]");
    fake_.link(folder + "/net", "net:[" + net + "]");
  }

  void status(pid_t pid, const std::string& ns_pids) const {
    fake_.write(
        std::to_string(pid) + "/status",
        "Name:\tx\nState:\tS (sleeping)\nPid:\t5\nTracerPid:\t0\nUid:\t1\t1\t1\t1\nNSpid:\t" +
            ns_pids +
            "\nSigPnd:\t0\nShdPnd:\t0\nSigBlk:\t0\nSigIgn:\t0\nSigCgt:\t0\nCapEff:\t0\n"
            "voluntary_ctxt_switches:\t1\nnonvoluntary_ctxt_switches:\t1\n"
    );
  }

  void inside(pid_t pid, pid_t ns_pid) const {
    links(pid, "2", "2", "2");
    status(pid, std::to_string(pid) + '\t' + std::to_string(ns_pid));
  }

  void outside(pid_t pid) const {
    links(pid, "1", "1", "1");
    status(pid, std::to_string(pid));
  }

  [[nodiscard]] Capture observed(pid_t pid, Capture capture = {}) const {
    observe_namespaces(fake_.proc(), pid, capture);
    return capture;
  }

  FakeProc fake_;
};

TEST_F(Namespaces, OfAContainerAreNotThoseOfTheFirstProcess) {
  const Capture capture = observed(4711);
  EXPECT_EQ(capture.ns_pid, 17);
  EXPECT_TRUE(capture.other_namespaces.pid);
  EXPECT_TRUE(capture.other_namespaces.mount);
  EXPECT_TRUE(capture.other_namespaces.network);
}

TEST_F(Namespaces, OfTheHostAreThoseOfTheFirstProcess) {
  outside(900);
  const Capture capture = observed(900);
  EXPECT_EQ(capture.ns_pid, 900);
  EXPECT_EQ(capture.other_namespaces, OtherNamespaces());
}

TEST_F(Namespaces, ThatMayNotBeReadAreNotClaimed) {
  status(4712, "4712");
  EXPECT_EQ(observed(4712).other_namespaces, OtherNamespaces());
}

TEST_F(Namespaces, NameOtherProcessesByTheTargetsPids) {
  inside(4712, 18);
  outside(900);
  Capture given;
  given.children = {process(4712)};
  given.syscall.emplace().fd.emplace().peers = {process(900), process(0)};
  const Capture capture = observed(4711, given);
  EXPECT_EQ(capture.children[0].ns_pid, 18);
  EXPECT_EQ(capture.syscall->fd->peers[0].ns_pid, 0);
  EXPECT_EQ(capture.syscall->fd->peers[1].ns_pid, 0);
}

TEST_F(Namespaces, OnTheHostEveryProcessHasOnePid) {
  outside(900);
  inside(4712, 18);
  Capture given;
  given.children = {process(4712)};
  EXPECT_EQ(observed(900, given).children[0].ns_pid, 4712);
}

TEST_F(Namespaces, OfTheSamePidNamespaceAreTold) {
  inside(4712, 18);
  outside(900);
  EXPECT_TRUE(same_pid_namespace(fake_.proc(), 4711, 4712));
  EXPECT_FALSE(same_pid_namespace(fake_.proc(), 4711, 900));
  EXPECT_FALSE(same_pid_namespace(fake_.proc(), 4711, 77)) << "there is none";
}

}  // namespace
}  // namespace pghang
