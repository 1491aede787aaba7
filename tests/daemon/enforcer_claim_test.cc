#include "daemon/targets/enforcer_claim.h"

#include <gtest/gtest.h>

#include "tests/daemon/escalation/builders.h"

namespace pghang {
namespace {

using escalation::testing::at;

constexpr Duration kGrace{std::chrono::seconds(30)};
const LockAnswer kOurs{true, ""};
const LockAnswer kOthers{false, "pid 4711 (pghangd)"};

TEST(EnforcerClaim, YieldsUntilTheLockIsOurs) {
  EnforcerClaim claim;
  EXPECT_TRUE(claim.yields(at(0)));
  EXPECT_TRUE(claim.due(at(0)));
  claim.answered(kOurs, kGrace, at(0));
  EXPECT_FALSE(claim.yields(at(0)));
  EXPECT_EQ(claim.yields_to(at(0)), "");
  EXPECT_TRUE(claim.due(at(1))) << "it ends with the connection: ask with every poll";
}

TEST(EnforcerClaim, AsksAnotherDaemonsLockNowAndThenOnly) {
  EnforcerClaim claim;
  claim.answered(kOthers, kGrace, at(0));
  EXPECT_TRUE(claim.yields(at(0)));
  EXPECT_EQ(claim.yields_to(at(0)), "pid 4711 (pghangd)");
  EXPECT_FALSE(claim.due(at(4)));
  EXPECT_TRUE(claim.due(at(5)));
}

TEST(EnforcerClaim, TakingOverLeavesTheOthersLastSignalItsGrace) {
  EnforcerClaim claim;
  claim.answered(kOthers, kGrace, at(0));
  claim.answered(kOurs, kGrace, at(5));
  EXPECT_TRUE(claim.ours());
  EXPECT_TRUE(claim.yields(at(34)));
  EXPECT_NE(claim.yields_to(at(34)).find("pid 4711"), std::string::npos);
  claim.answered(kOurs, kGrace, at(34));
  EXPECT_TRUE(claim.yields(at(34))) << "being asked again does not shorten it";
  EXPECT_FALSE(claim.yields(at(35)));
}

TEST(EnforcerClaim, ANewConnectionOfOursIsNoTakeOver) {
  EnforcerClaim claim;
  claim.answered(kOurs, kGrace, at(0));
  claim.answered(kOurs, kGrace, at(10));
  EXPECT_FALSE(claim.yields(at(10)));
}

TEST(EnforcerClaim, LosingItYieldsAgain) {
  EnforcerClaim claim;
  claim.answered(kOurs, kGrace, at(0));
  claim.answered(kOthers, kGrace, at(10));
  EXPECT_TRUE(claim.yields(at(10)));
}

}  // namespace
}  // namespace pghang
