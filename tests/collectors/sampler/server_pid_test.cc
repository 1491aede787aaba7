#include "collectors/sampler/server_pid.h"

#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/collectors/process/support.h"

namespace pghang::sampler {
namespace {

using pghang::testing::FakeProc;

constexpr std::int64_t kBoot = 1'790'000'000;

/// When a process of start tick `ticks` started.
std::int64_t at(std::uint64_t ticks) {
  const auto per_tick = 1'000'000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return kBoot * 1'000'000 + static_cast<std::int64_t>(ticks * per_tick);
}

/// A host with a server in a container, whose postmaster is 5000 here and 1 there, and with
/// processes of its own that have the same numbers.
class ServerPid : public ::testing::Test {
 protected:
  static constexpr pid_t kPostmaster = 5000;
  static constexpr std::uint64_t kThen = 100'000;

  ServerPid() {
    fake_.write("stat", "cpu 1 2\nbtime " + std::to_string(kBoot) + "\n");
    process(kPostmaster, "postgres", kThen, "pid:[2]", "5000\t1");
    fake_.write("5000/task/5000/children", "5017 5018");
    process(5017, "postgres", kThen + 500, "pid:[2]", "5017\t17");
    process(5018, "postgres", kThen + 900, "pid:[2]", "5018\t18");
  }

  void process(
      pid_t pid,
      const std::string& comm,
      std::uint64_t ticks,
      const std::string& pid_namespace,
      const std::string& ns_pids
  ) const {
    const std::string number = std::to_string(pid);
    fake_.write(
        number + "/stat",
        number + " (" + comm + ") S 1 1 1 0 -1 64 0 0 0 0 0 0 0 0 20 0 1 0 " +
            std::to_string(ticks) + " 0 0\n"
    );
    fake_.write(
        number + "/status",
        "Name:\tx\nState:\tS (sleeping)\nPid:\t" + number +
            "\nTracerPid:\t0\nUid:\t1\t1\t1\t1\nNSpid:\t" + ns_pids +
            "\nSigPnd:\t0\nShdPnd:\t0\nSigBlk:\t0\nSigIgn:\t0\nSigCgt:\t0\nCapEff:\t0\n"
            "voluntary_ctxt_switches:\t1\nnonvoluntary_ctxt_switches:\t1\n"
    );
    fake_.make_directory(number + "/ns");
    fake_.link(number + "/ns/pid", pid_namespace);
  }

  [[nodiscard]] Result<pid_t>
  find(pid_t pid, pid_t server_process, std::uint64_t started = kThen + 500) const {
    CaptureRequest request;
    request.pid = pid;
    request.server_pid = true;
    request.server_process = server_process;
    request.expect_started_at_micros = at(started);
    return host_pid(fake_.proc(), request);
  }

  void title(pid_t pid, const std::string& text) const {
    fake_.write(std::to_string(pid) + "/cmdline", text);
  }

  /// Our own backend, number `pid`, of a connection at our `port`.
  [[nodiscard]] Result<pid_t> own(pid_t pid, pid_t listener, std::uint16_t port) const {
    CaptureRequest request;
    request.pid = pid;
    request.server_pid = true;
    request.server_process = listener;
    request.client_port = port;
    request.expect_started_at_micros = at(kThen + 500);
    return own_backend(fake_.proc(), request);
  }

  FakeProc fake_;
};

TEST_F(ServerPid, OfAHostPidIsThatPid) {
  CaptureRequest request;
  request.pid = 17;
  EXPECT_EQ(host_pid(fake_.proc(), request).value(), 17);
}

TEST_F(ServerPid, IsFoundByThePostmastersNamespace) {
  EXPECT_EQ(find(17, kPostmaster).value(), 5017);
  EXPECT_EQ(find(1, kPostmaster, kThen).value(), kPostmaster);
}

TEST_F(ServerPid, IsFoundByAnyProcessOfThatNamespace) {
  process(6000, "pgbouncer", kThen, "pid:[2]", "6000\t90");
  EXPECT_EQ(find(17, 6000).value(), 5017);
}

TEST_F(ServerPid, IsNeverTheHostsProcessOfThatNumber) {
  process(17, "postgres", kThen + 500, "pid:[1]", "17");
  EXPECT_EQ(find(17, kPostmaster).value(), 5017);
}

TEST_F(ServerPid, IsNeverThatNumberInAnotherContainer) {
  process(7017, "postgres", kThen + 500, "pid:[3]", "7017\t17");
  EXPECT_EQ(find(17, kPostmaster).value(), 5017);
}

TEST_F(ServerPid, IsItselfWhereTheServerCountsAsWeDo) {
  process(20, "postgres", kThen, "pid:[1]", "20");
  process(21, "postgres", kThen + 500, "pid:[1]", "21");
  EXPECT_EQ(find(21, 20).value(), 21);
}

TEST_F(ServerPid, OfAnotherStartIsAnotherProcess) {
  process(17, "sleep", kThen + 500, "pid:[1]", "17");
  const auto found = find(17, kPostmaster, kThen + 5000);
  EXPECT_EQ(found.error().code, Errc::identity_changed) << found.error().context;
}

TEST_F(ServerPid, OfNobodyIsNotFound) {
  EXPECT_EQ(find(99, kPostmaster).error().code, Errc::not_found);
  EXPECT_EQ(find(99, 0).error().code, Errc::not_found);
}

TEST_F(ServerPid, WithoutAServerProcessIsFoundByNumberStartAndName) {
  EXPECT_EQ(find(17, 0).value(), 5017);
  process(17, "sleep", kThen + 500, "pid:[1]", "17");
  EXPECT_EQ(find(17, 0).value(), 5017);
  process(18, "postgres", kThen + 5000, "pid:[1]", "18");
  EXPECT_EQ(find(18, 0, kThen + 5000).value(), 18);
}

TEST_F(ServerPid, WithoutAServerProcessIsNotGuessed) {
  process(17, "postgres", kThen + 501, "pid:[1]", "17");
  const auto found = find(17, 0);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::identity_changed);
  EXPECT_NE(found.error().context.find("2 processes"), std::string::npos) << found.error().context;
}

TEST_F(ServerPid, OfAServerElsewhereIsNoProcessHere) {
  process(33, "sleep", kThen + 500, "pid:[1]", "33");
  const auto found = find(33, 0);
  EXPECT_EQ(found.error().code, Errc::identity_changed) << found.error().context;
}

TEST_F(ServerPid, OfOurOwnBackendIsThatWhichSaysOurPort) {
  process(17, "postgres", kThen + 500, "pid:[1]", "17");
  title(17, "postgres: pghangd postgres 127.0.0.1(5432) idle");
  title(5017, "postgres: pghangd postgres 10.0.0.7(54321) idle");
  EXPECT_EQ(own(17, 0, 54321).value(), 5017);
}

TEST_F(ServerPid, OfOurOwnBackendElsewhereIsNoProcessOfTheSameNumberAgeAndName) {
  process(17, "postgres", kThen + 500, "pid:[1]", "17");
  title(17, "postgres: pghangd postgres 127.0.0.1(5432) idle");
  title(5017, "postgres: app shop 10.0.0.7(154321) idle");
  EXPECT_EQ(own(17, 0, 54321).error().code, Errc::not_found);
}

TEST_F(ServerPid, OfOurOwnBackendByAUnixSocketIsInTheNamespaceOfWhoMadeIt) {
  process(17, "postgres", kThen + 500, "pid:[1]", "17");
  EXPECT_EQ(own(17, kPostmaster, 0).value(), 5017);
}

TEST_F(ServerPid, OfOurOwnBackendBehindAnotherProgramsUnixSocketIsNotFound) {
  process(17, "postgres", kThen + 500, "pid:[1]", "17");
  process(40, "ssh", kThen, "pid:[1]", "40");
  EXPECT_EQ(own(17, 40, 0).error().code, Errc::not_found);
  EXPECT_EQ(own(17, 0, 0).error().code, Errc::not_found);
}

}  // namespace
}  // namespace pghang::sampler
