#include "exporters/backend_type.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

Evidence titled(const std::string& title) {
  Evidence evidence;
  evidence.capture.postgres = true;
  evidence.capture.title = title;
  return evidence;
}

TEST(BackendType, TheServersWordWins) {
  Evidence evidence = titled("postgres: checkpointer ");
  evidence.activity.emplace().backend_type = "walsender";
  EXPECT_EQ(backend_type(evidence), "walsender");
}

TEST(BackendType, IsReadFromTheTitleWithoutAConnection) {
  EXPECT_EQ(backend_type(titled("postgres: app shop [local] COPY")), "client backend");
  EXPECT_EQ(
      backend_type(titled("postgres: 15/main: app shop 10.1.1.1(5000) idle")),
      "client backend"
  );
  EXPECT_EQ(backend_type(titled("postgres: 15/main: checkpointer ")), "checkpointer");
  EXPECT_EQ(backend_type(titled("postgres: checkpointer shop [local] idle")), "client backend");
  EXPECT_EQ(
      backend_type(titled("postgres: walsender rep 10.1.1.1(5000) streaming 0/1")),
      "walsender"
  );
  EXPECT_EQ(backend_type(titled("postgres: startup recovering 000000010000")), "startup");
  EXPECT_EQ(
      backend_type(titled("postgres: logical replication worker for subscription 16390")),
      "logical replication worker"
  );
}

TEST(BackendType, ATitleMayEndInItsType) {
  EXPECT_EQ(
      backend_type(titled("postgres: 15/main: logical replication launcher")),
      "logical replication launcher"
  );
}

TEST(BackendType, AParallelWorkerNamesItsLeader) {
  for (const char* title :
       {"postgres: parallel worker for PID 4711 ",
        "postgres: 15/main: parallel worker for PID 4711",
        "postgres: bgworker: parallel worker for PID 4711   "}) {
    EXPECT_EQ(backend_type(titled(title)), "parallel worker") << title;
    EXPECT_EQ(leader_pid(titled(title)), 4711) << title;
  }
  EXPECT_EQ(leader_pid(titled("postgres: parallel worker for PID x")), std::nullopt);
  EXPECT_EQ(leader_pid(titled("postgres: app shop [local] COPY")), std::nullopt);
}

TEST(BackendType, ThePostmasterIsToldByMyBackendType) {
  Evidence evidence = titled("postgres");
  EXPECT_EQ(backend_type(evidence), "");
  evidence.capture.samples.emplace_back().flags.my_backend_type = 0;
  EXPECT_EQ(backend_type(evidence), "postmaster");
}

TEST(BackendType, AnotherProgramHasNone) {
  Evidence evidence = titled("postgres: checkpointer ");
  evidence.capture.postgres = false;
  EXPECT_EQ(backend_type(evidence), "");
}

}  // namespace
}  // namespace pghang
