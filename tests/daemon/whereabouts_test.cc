#include "daemon/targets/whereabouts.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

Glance backend(pid_t parent) {
  Glance glance;
  glance.ppid = parent;
  return glance;
}

TEST(WhereaboutsOf, AServerAreAskedForOnceUntilTheyAreFound) {
  Whereabouts where;
  EXPECT_TRUE(where.ask());
  EXPECT_FALSE(where.ask());
  where.wait({.id = 3, .backend = {}});
  const auto found = where.found(backend(800), 0);
  ASSERT_EQ(found.waiting.size(), 1U);
  EXPECT_EQ(found.waiting[0].id, 3U);
  EXPECT_FALSE(found.failure);
  EXPECT_EQ(where.local(), true);
  EXPECT_EQ(where.process(), 800) << "the parent of our own backend";
  EXPECT_FALSE(where.ask());
}

TEST(WhereaboutsOf, ALocalServerAreWhoMadeItsSocket) {
  Whereabouts where;
  (void)where.found(backend(800), 900);
  EXPECT_EQ(where.process(), 900);
}

TEST(WhereaboutsOf, AServerElsewhereAreNoProcessHere) {
  Whereabouts where;
  const auto found = where.found(Error{Errc::not_found, "nobody says our port"}, 0);
  EXPECT_FALSE(found.failure);
  EXPECT_EQ(where.local(), false);
  EXPECT_EQ(where.process(), 0);
  EXPECT_EQ(where.why_not(), "nobody says our port");
}

TEST(WhereaboutsOf, AServerStayUnknownAfterAFailure) {
  Whereabouts where;
  EXPECT_TRUE(where.ask());
  EXPECT_TRUE(where.found(Error{Errc::timeout, ""}, 900).failure);
  EXPECT_FALSE(where.local());
  EXPECT_TRUE(where.ask()) << "the next order asks again";
}

TEST(WhereaboutsOf, AnotherConnectionAreUnknown) {
  Whereabouts where;
  (void)where.found(backend(800), 0);
  where.forget();
  EXPECT_FALSE(where.local());
  EXPECT_EQ(where.process(), 0);
}

}  // namespace
}  // namespace pghang
