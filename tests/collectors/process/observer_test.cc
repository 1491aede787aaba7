#include "collectors/process/observer.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/collectors/process/support.h"

namespace pghang {
namespace {

using testing::FakeProc;
using testing::find_missing;

/// Above any kernel's pid_max, so that no memory of a real process is read.
constexpr pid_t kPid = 99'999'999;

class Observer : public ::testing::Test {
 protected:
  void SetUp() override {
    write("stat", stat_line(kPid, "postgres", 'S', 4000));
    write("status", status("S (sleeping)"));
    write("cmdline", std::string("postgres: app db COPY\0\0", 23));
    write("wchan", "ep_poll");
    write("schedstat", "5000 1 2\n");
    write("io", "rchar: 1\nwchar: 2\nread_bytes: 3\nwrite_bytes: 4\n");
    write("cgroup", "0::/\n");
    write("stack", "[<0>] ep_poll+0x1/0x2\n");
    write("syscall", "running\n");
    write("mountinfo", "20 1 254:0 / / rw - ext4 /dev/vda rw\n");
    write("task/" + std::to_string(kPid) + "/children", "");
    fake_.write("self/status", status("R (running)"));
    fake_.write("self/mountinfo", "20 1 254:0 / / rw - ext4 /dev/vda rw\n");
    fake_.write("stat", "cpu 1 2\nbtime 1790000000\n");
  }

  void write(const std::string& name, std::string_view text) const {
    fake_.write(std::to_string(kPid) + '/' + name, text);
  }

  void remove(const std::string& name) const {
    std::filesystem::remove_all(fake_.path() / std::to_string(kPid) / name);
  }

  static std::string stat_line(pid_t pid, const std::string& comm, char state, pid_t ppid) {
    return std::to_string(pid) + " (" + comm + ") " + state + ' ' + std::to_string(ppid) +
           " 1 1 0 -1 64 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n";
  }

  static std::string status(const std::string& state, pid_t tracer = 0) {
    return "Name:\tpostgres\nState:\t" + state + "\nPid:\t5\nTracerPid:\t" +
           std::to_string(tracer) +
           "\nUid:\t1\t1\t1\t1\nNSpid:\t5\t17\n"
           "SigPnd:\t0\nShdPnd:\t4000\nSigBlk:\t1\nSigIgn:\t2\nSigCgt:\t4\nCapEff:\t0\n"
           "voluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t7\n";
  }

  [[nodiscard]] Capture observed() const {
    Capture capture;
    EXPECT_TRUE(observe_process(fake_.proc(), kPid, true, capture));
    return capture;
  }

  FakeProc fake_;
};

TEST_F(Observer, ASampleHoldsStateSignalsAndCounters) {
  std::vector<Missing> missing;
  const Sample sample = observe_sample(fake_.proc(), kPid, {}, missing).value();
  EXPECT_GT(sample.at_micros, 0);
  EXPECT_EQ(sample.state, ProcessState::sleeping);
  EXPECT_EQ(sample.signals.pending_process, 0x4000U);
  EXPECT_EQ(sample.signals.blocked, 1U);
  EXPECT_EQ(sample.cpu_nanos, 5000U);
  EXPECT_EQ(sample.voluntary_switches, 150U);
  EXPECT_EQ(sample.involuntary_switches, 7U);
  EXPECT_EQ(sample.io, (IoCounters{1, 2, 3, 4}));
  EXPECT_FALSE(sample.frozen);
  EXPECT_TRUE(missing.empty());
}

TEST_F(Observer, ASampleOfAProcessThatIsGoneIsNotFound) {
  std::vector<Missing> missing;
  EXPECT_EQ(observe_sample(fake_.proc(), 1, {}, missing).error().code, Errc::not_found);
  EXPECT_TRUE(missing.empty());
}

TEST_F(Observer, WhatASampleLacksIsListedOnce) {
  remove("io");
  write("schedstat", "nonsense\n");
  std::vector<Missing> missing;
  ASSERT_TRUE(observe_sample(fake_.proc(), kPid, {}, missing));
  ASSERT_TRUE(observe_sample(fake_.proc(), kPid, {}, missing));
  ASSERT_EQ(missing.size(), 2U);
  EXPECT_EQ(missing[0].evidence, "cpu");
  EXPECT_EQ(missing[0].error, "schedstat does not parse");
  EXPECT_EQ(missing[0].needs, "");
  EXPECT_EQ(missing[1].evidence, "io");
}

TEST_F(Observer, AZombieLacksNothing) {
  write("status", status("Z (zombie)"));
  write("stat", stat_line(kPid, "postgres", 'Z', 4000));
  remove("io");
  remove("syscall");
  remove("stack");
  std::vector<Missing> missing;
  const VariableAddresses variables{{"ProcDiePending", {0x1000, 4}}};
  EXPECT_EQ(
      observe_sample(fake_.proc(), kPid, variables, missing).value().state,
      ProcessState::zombie
  );
  EXPECT_TRUE(missing.empty());
  EXPECT_TRUE(observed().missing.empty());
}

TEST_F(Observer, FlagsThatCannotBeReadAreMissing) {
  std::vector<Missing> missing;
  const VariableAddresses variables{{"ProcDiePending", {0x1000, 4}}};
  const Sample sample = observe_sample(fake_.proc(), kPid, variables, missing).value();
  EXPECT_EQ(sample.flags, InterruptFlags());
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_EQ(missing[0].evidence, "interrupts");
}

TEST_F(Observer, OneLookTellsWhoTheProcessIs) {
  const Capture capture = observed();
  EXPECT_EQ(capture.comm, "postgres");
  EXPECT_EQ(capture.title, "postgres: app db COPY");
  EXPECT_EQ(capture.ppid, 4000);
  EXPECT_EQ(capture.ns_pid, 17);
  EXPECT_EQ(capture.wchan, "ep_poll");
  EXPECT_EQ(capture.kernel_stack, std::vector<std::string>{"ep_poll+0x1/0x2"});
  EXPECT_FALSE(capture.tracer);
  EXPECT_FALSE(capture.syscall);
  EXPECT_TRUE(capture.missing.empty());
}

TEST_F(Observer, AProcessThatIsGoneIsNotFound) {
  Capture capture;
  EXPECT_EQ(observe_process(fake_.proc(), 1, true, capture).error().code, Errc::not_found);
}

TEST_F(Observer, ChildrenOfEveryThreadAreNamed) {
  write("task/" + std::to_string(kPid) + "/children", "61 62 ");
  write("task/7/children", "63 64");
  fake_.write("61/stat", stat_line(61, "sh", 'S', kPid));
  fake_.write("63/stat", stat_line(63, "a) R (b", 'Z', kPid));
  const Capture capture = observed();
  ASSERT_EQ(capture.children.size(), 2U);
  EXPECT_EQ(capture.children[0], (RelatedProcess{61, "sh", ProcessState::sleeping, ""}));
  EXPECT_EQ(capture.children[1], (RelatedProcess{63, "a) R (b", ProcessState::zombie, ""}));
}

TEST_F(Observer, ATracerIsNamed) {
  write("status", status("t (tracing stop)", 88));
  fake_.write("88/stat", stat_line(88, "gdb", 'S', 1));
  ASSERT_TRUE(observed().tracer);
  EXPECT_EQ(observed().tracer->comm, "gdb");
}

TEST_F(Observer, ATracerThatCannotBeSeenStillHasItsPid) {
  write("status", status("t (tracing stop)", 88));
  ASSERT_TRUE(observed().tracer);
  EXPECT_EQ(observed().tracer->pid, 88);
}

TEST_F(Observer, AProcessOutsideASystemCallHasNone) {
  write("syscall", "-1 0x7ffd10 0x55aa20\n");
  EXPECT_FALSE(observed().syscall);
}

TEST_F(Observer, ASystemCallHasItsDescriptor) {
  write("syscall", "0 0x5 0x1000 0x2000 0x0 0x0 0x0 0x7ffd10 0x55aa20\n");
  fake_.link(std::to_string(kPid) + "/fd/5", "socket:[99]");
#if defined(__x86_64__)
  const Capture capture = observed();
  ASSERT_TRUE(capture.syscall);
  EXPECT_EQ(capture.syscall->text, "read(5, 0x1000, 8192)");
  ASSERT_TRUE(capture.syscall->fd);
  EXPECT_EQ(capture.syscall->fd->kind, FdKind::socket);
  EXPECT_EQ(capture.syscall->fd->target, "socket:[99]");
#endif
}

TEST_F(Observer, ADescriptorThatCannotBeSeenIsMissing) {
#if defined(__x86_64__)
  write("syscall", "0 0x5 0x1000 0x2000 0x0 0x0 0x0 0x7ffd10 0x55aa20\n");
  const Capture capture = observed();
  ASSERT_TRUE(capture.syscall);
  EXPECT_FALSE(capture.syscall->fd);
  EXPECT_NE(find_missing(capture, "fd"), nullptr);
#endif
}

TEST_F(Observer, AReadThatSleepsInThePipeCodeReadsAFifo) {
#if defined(__x86_64__)
  const std::string self = std::to_string(kPid);
  write("syscall", "0 0x5 0x1000 0x2000 0x0 0x0 0x0 0x7ffd10 0x55aa20\n");
  write("wchan", "anon_pipe_read");
  write("fdinfo/5", "pos:\t0\nflags:\t00\nmnt_id:\t20\n");
  fake_.link(self + "/fd/5", "/srv/fifo");
  fake_.write("61/stat", stat_line(61, "writer", 'S', 1));
  fake_.write("61/fdinfo/3", "pos:\t0\nflags:\t01\nmnt_id:\t20\n");
  fake_.link("61/fd/3", "/srv/fifo");
  const Capture capture = observed();
  ASSERT_TRUE(capture.syscall && capture.syscall->fd);
  EXPECT_EQ(capture.syscall->fd->kind, FdKind::fifo);
  EXPECT_EQ(capture.syscall->fd->fs_type, "ext4");
  ASSERT_EQ(capture.syscall->fd->peers.size(), 1U);
  EXPECT_EQ(capture.syscall->fd->peers[0].comm, "writer");
#endif
}

TEST_F(Observer, TheStartIsBootPlusTicks) {
  EXPECT_EQ(started_at_micros(fake_.proc(), 0).value(), 1'790'000'000'000'000);
  const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  EXPECT_EQ(started_at_micros(fake_.proc(), 3 * per_second).value(), 1'790'000'003'000'000);
}

TEST_F(Observer, WithoutABootTimeThereIsNoStart) {
  fake_.write("stat", "cpu 1 2\n");
  EXPECT_EQ(started_at_micros(fake_.proc(), 1).error().code, Errc::malformed);
}

}  // namespace
}  // namespace pghang
