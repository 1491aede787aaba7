
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/collectors/postgres/server_fixture.h"

namespace pghang::tests {
namespace {

using ClusterScript = ServerTest;

/// There, and not only as a zombie that its new parent has yet to reap.
bool runs(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(stat, line)) return false;
  return line.compare(line.rfind(')'), 3, ") Z") != 0;
}

TEST_F(ClusterScript, TwoClustersRunSideBySide) {
  const Cluster second;
  ASSERT_TRUE(second.running());
  EXPECT_NE(second.value("PGPORT"), cluster().value("PGPORT"));
  Connection connection = to(second.tcp_dsn());
  ASSERT_TRUE(run(connection.open(within(std::chrono::seconds{20}))));
  EXPECT_EQ(ask_text(connection, "SHOW data_directory"), second.value("PGDATA"));
}

TEST_F(ClusterScript, StopLeavesNothingEvenOfStoppedProcesses) {
  auto second = std::make_unique<Cluster>();
  ASSERT_TRUE(second->running());
  Connection connection = to(second->dsn());
  ASSERT_TRUE(run(connection.open(within(std::chrono::seconds{20}))));
  const pid_t postmaster = second->postmaster();
  const pid_t backend = connection.backend_pid();
  const std::string folder = second->value("DIR");
  ASSERT_TRUE(runs(postmaster) && runs(backend));
  kill(backend, SIGSTOP);
  kill(postmaster, SIGSTOP);
  second.reset();
  EXPECT_FALSE(runs(postmaster));
  EXPECT_FALSE(runs(backend));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_F(ClusterScript, RefusesAFolderThatIsNotItsOwn) {
  const std::string script = PGHANG_SOURCE_DIR "/scripts/cluster";
  EXPECT_FALSE(succeeds(script + " stop /tmp 2>/dev/null"));
  EXPECT_FALSE(succeeds(script + " start --dir /tmp 2>/dev/null"));
  EXPECT_FALSE(succeeds(script + " restart 2>/dev/null"));
  EXPECT_TRUE(std::filesystem::exists("/tmp"));
}

}  // namespace
}  // namespace pghang::tests
