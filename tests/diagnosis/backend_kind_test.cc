#include "diagnosis/backend_kind.h"

#include <gtest/gtest.h>

#include "tests/diagnosis/evidence_builder.h"

namespace pghang {
namespace {

using tests::Given;

std::string kind_of_title(const std::string& title) {
  return backend_kind(Given().capture([&](Capture& c) { c.title = title; }).evidence());
}

TEST(BackendKind, IsTheServersWordWhereThereIsOne) {
  const auto typed = [](const char* type) {
    return backend_kind(Given().activity([&](Activity& a) { a.backend_type = type; }).evidence());
  };
  EXPECT_EQ(typed("parallel worker"), "parallel worker");
  EXPECT_EQ(typed("client backend"), "backend");
}

TEST(BackendKind, IsToldFromTheTitleElse) {
  EXPECT_EQ(kind_of_title("postgres: checkpointer "), "checkpointer");
  EXPECT_EQ(kind_of_title("postgres: 15/main: walwriter "), "walwriter");
  EXPECT_EQ(kind_of_title("postgres: checkpointer process   "), "checkpointer");
  EXPECT_EQ(kind_of_title("postgres: parallel worker for PID 12 "), "parallel worker");
  EXPECT_EQ(kind_of_title("postgres: bgworker: parallel worker for PID 12"), "parallel worker");
  EXPECT_EQ(kind_of_title("postgres: startup recovering 000000010000000000000001"), "startup");
  EXPECT_EQ(kind_of_title("postgres: walsender r 10.0.0.2(5000) streaming 0/5"), "walsender");
  EXPECT_EQ(kind_of_title("postgres: app shop [local] SELECT"), "backend");
}

TEST(BackendKind, IsToldFromMemoryByTheNumbersOfItsMajor) {
  const auto typed = [](const char* version, int number) {
    return backend_kind(Given()
                            .capture([&](Capture& c) {
                              c.title = "postgres: app shop [local] idle";
                              c.server_version = version;
                            })
                            .latest([&](Sample& s) { s.flags.my_backend_type = number; })
                            .evidence());
  };
  EXPECT_EQ(typed("13.23", 3), "backend");
  EXPECT_EQ(typed("15.20", 6), "checkpointer");
  EXPECT_EQ(typed("16.14", 6), "background writer");
  EXPECT_EQ(typed("16.14", 4), "backend");
  EXPECT_EQ(typed("17.10", 5), "walsender");
  EXPECT_EQ(typed("18.4", 12), "io worker");
  EXPECT_EQ(typed("18.4", 2), "backend") << "a dead-end one";
  EXPECT_EQ(typed("19.0", 6), "backend") << "by its title";
  EXPECT_EQ(typed("", 6), "backend") << "by its title";
}

TEST(BackendKind, OfABackgroundWorkerIsInItsTitle) {
  const auto kind = backend_kind(Given()
                                     .capture([](Capture& c) {
                                       c.title = "postgres: parallel worker for PID 12 ";
                                       c.server_version = "15.20";
                                     })
                                     .latest([](Sample& s) { s.flags.my_backend_type = 4; })
                                     .evidence());
  EXPECT_EQ(kind, "parallel worker");
}

TEST(BackendKind, ARoleNamedLikeAProcessIsABackend) {
  EXPECT_EQ(kind_of_title("postgres: archiver shop [local] idle"), "backend");
  EXPECT_EQ(kind_of_title("postgres: walsender shop [local] idle"), "backend");
  EXPECT_EQ(kind_of_title("postgres: checkpointer shop 10.0.0.5(4711) idle"), "backend");
}

TEST(BackendKind, OnlyThePostmasterKeepsItsCommandLine) {
  EXPECT_EQ(kind_of_title("/usr/lib/postgresql/15/bin/postgres -D /var/lib/x"), "postmaster");
}

TEST(BackendKind, DieIsNotTheHandlerOfAuxiliaryProcesses) {
  for (const char* kind : {"walwriter", "startup", "logger", "postmaster"})
    EXPECT_TRUE(is_auxiliary(kind)) << kind;
  for (const char* kind : {"backend", "parallel worker", "walsender", "autovacuum worker"})
    EXPECT_FALSE(is_auxiliary(kind)) << kind;
}

}  // namespace
}  // namespace pghang
