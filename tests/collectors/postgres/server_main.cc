#include <memory>

#include <gtest/gtest.h>

#include "tests/collectors/postgres/server_fixture.h"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  // gtest owns it.
  ::testing::AddGlobalTestEnvironment(std::make_unique<pghang::tests::ClusterEnvironment>().release(
  ));
  return RUN_ALL_TESTS();
}
