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
