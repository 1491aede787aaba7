#include <gtest/gtest.h>

#include "collectors/postgres/connection.h"

namespace pghang {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kCap = seconds{30};

TEST(ReconnectDelay, DoublesFromAQuarterSecondUpToTheCap) {
  EXPECT_EQ(reconnect_delay(1, kCap, 1.0), milliseconds{250});
  EXPECT_EQ(reconnect_delay(2, kCap, 1.0), milliseconds{500});
  EXPECT_EQ(reconnect_delay(7, kCap, 1.0), seconds{16});
  EXPECT_EQ(reconnect_delay(8, kCap, 1.0), kCap);
  EXPECT_EQ(reconnect_delay(4'000'000'000U, kCap, 1.0), kCap);
}

TEST(ReconnectDelay, JitterTakesAwayAtMostHalf) {
  EXPECT_EQ(reconnect_delay(8, kCap, 0.0), seconds{15});
  EXPECT_EQ(reconnect_delay(8, kCap, 0.5), milliseconds{22'500});
}

TEST(ReconnectDelay, NumberOutsideTheUnitIntervalIsClamped) {
  EXPECT_EQ(reconnect_delay(1, kCap, 7.0), milliseconds{250});
  EXPECT_EQ(reconnect_delay(1, kCap, -7.0), milliseconds{125});
}

TEST(ReconnectDelay, NoFailureYetWaitsLikeTheFirst) {
  EXPECT_EQ(reconnect_delay(0, kCap, 1.0), milliseconds{250});
}

TEST(ReconnectDelay, CapBelowTheFirstStepHolds) {
  EXPECT_EQ(reconnect_delay(1, milliseconds{100}, 1.0), milliseconds{100});
}

}  // namespace
}  // namespace pghang
