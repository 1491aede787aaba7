#include "config/network.h"

#include <string>

#include <gtest/gtest.h>

namespace pghang {
namespace {

Network network(const std::string& text) {
  const auto parsed = parse_network(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : Network{};
}

std::string problem(const std::string& text) {
  const auto parsed = parse_network(text);
  return parsed ? "none" : parsed.error().context;
}

TEST(Networks, AreReadBackAsTheyWereWritten) {
  for (const char* text :
       {"local", "10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::1", "2001:db8::/32", "::/0"})
    EXPECT_EQ(to_string(network(text)), text);
}

TEST(Networks, WithBitsBeyondThePrefixAreRefused) {
  EXPECT_EQ(problem("10.0.0.1/8"), "has bits set to the right of its prefix length");
  EXPECT_EQ(problem("2001:db8::1/32"), "has bits set to the right of its prefix length");
}

TEST(Networks, OtherTextsAreRefused) {
  for (const char* text :
       {"",
        "Local",
        "10.0.0",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "::/129",
        "10.0.0.0/8x",
        "example.org",
        "fe80::1%eth0"})
    EXPECT_NE(problem(text), "none") << text;
}

TEST(Networks, ContainTheirAddressesAndSmallerBlocks) {
  EXPECT_TRUE(contains(network("10.0.0.0/8"), network("10.255.0.1")));
  EXPECT_TRUE(contains(network("10.0.0.0/8"), network("10.1.0.0/16")));
  EXPECT_TRUE(contains(network("fd00::/8"), network("fdff::1")));
  EXPECT_TRUE(contains(network("10.0.0.7"), network("10.0.0.7")));
  EXPECT_TRUE(contains(network("10.0.0.128/25"), network("10.0.0.129")));
  EXPECT_TRUE(contains(network("local"), network("local")));
}

TEST(Networks, ContainNothingElse) {
  EXPECT_FALSE(contains(network("10.0.0.0/8"), network("11.0.0.1")));
  EXPECT_FALSE(contains(network("10.1.0.0/16"), network("10.0.0.0/8"))) << "the wider one";
  EXPECT_FALSE(contains(network("10.0.0.128/25"), network("10.0.0.127")));
  EXPECT_FALSE(contains(network("0.0.0.0/0"), network("local")));
  EXPECT_FALSE(contains(network("local"), network("127.0.0.1")));
  EXPECT_FALSE(contains(network("0.0.0.0/0"), network("::1")));
  EXPECT_FALSE(contains(network("::/0"), network("10.0.0.1")));
}

TEST(Networks, KnowAnIpv4AddressInItsIpv6Form) {
  EXPECT_TRUE(contains(network("10.0.0.0/8"), network("::ffff:10.1.2.3")));
  EXPECT_TRUE(contains(network("::ffff:10.0.0.0/104"), network("10.1.2.3")));
}

}  // namespace
}  // namespace pghang
