#include "collectors/sampler/protocol.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "collectors/evidence/codec.h"

namespace pghang::sampler {
namespace {

std::string good() {
  return encode_message({.type = MessageType::capture, .id = 7}, "body");
}

TEST(Protocol, AMessageComesBackAsItWas) {
  const std::string packet = encode_message(
      {.type = MessageType::prewarm, .id = 0x1122334455667788, .deadline_ms = 1500},
      "four"
  );
  ASSERT_EQ(packet.size(), kHeaderBytes + 4);
  const auto message = decode_message(packet);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->header.type, MessageType::prewarm);
  EXPECT_EQ(message->header.id, 0x1122334455667788U);
  EXPECT_EQ(message->header.deadline_ms, 1500U);
  EXPECT_EQ(message->body, "four");
}

TEST(Protocol, EveryShorterPacketIsRefused) {
  const std::string packet = good();
  for (std::size_t size = 0; size < packet.size(); ++size)
    EXPECT_FALSE(decode_message(std::string_view(packet).substr(0, size))) << size;
  EXPECT_TRUE(decode_message(packet));
}

TEST(Protocol, ALongerPacketThanItSaysIsRefused) {
  EXPECT_FALSE(decode_message(good() + "x"));
}

TEST(Protocol, AWrongMagicIsMalformed) {
  std::string packet = good();
  packet[0] = static_cast<char>(packet[0] ^ 1);
  EXPECT_EQ(decode_message(packet).error().code, Errc::malformed);
}

TEST(Protocol, AnotherVersionIsUnsupported) {
  std::string packet = good();
  packet[4] = static_cast<char>(kProtocolVersion + 1);
  EXPECT_EQ(decode_message(packet).error().code, Errc::unsupported);
}

TEST(Protocol, AnUnknownTypeIsMalformed) {
  for (const int type : {0, 6, 100, 107, 255}) {
    std::string packet = good();
    packet[6] = static_cast<char>(type);
    EXPECT_EQ(decode_message(packet).error().code, Errc::malformed) << type;
  }
}

TEST(Protocol, APacketLongerThanTheLimitIsMalformed) {
  const std::string body(kMaxMessageBytes - kHeaderBytes, 'x');
  EXPECT_TRUE(decode_message(encode_message({}, body)));
  EXPECT_FALSE(decode_message(encode_message({}, body + "x")));
}

TEST(Protocol, RandomBytesAreNeverAMessage) {
  std::mt19937 random(20240817);
  for (int round = 0; round < 20'000; ++round) {
    std::string packet(random() % 64, '\0');
    for (char& byte : packet)
      byte = static_cast<char>(random());
    EXPECT_FALSE(decode_message(packet));
  }
}

TEST(Protocol, AGoodPacketWithOneBrokenByteNeverReadsBeyondIt) {
  const std::string packet = good();
  for (std::size_t at = 0; at < packet.size(); ++at) {
    for (const int flip : {1, 0x80, 0xff}) {
      std::string broken = packet;
      broken[at] = static_cast<char>(broken[at] ^ flip);
      const auto message = decode_message(broken);
      if (message) {
        EXPECT_EQ(message->body.size(), 4U);
      }
    }
  }
}

TEST(Protocol, AFailureCarriesItsCodeAndContext) {
  const std::string packet = encode_failure(9, {Errc::refused, "too many"});
  const auto message = decode_message(packet);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->header.type, MessageType::failed);
  EXPECT_EQ(message->header.id, 9U);
  EXPECT_EQ(
      codec::decode<CaptureFailure>(message->body),
      (CaptureFailure{Errc::refused, "too many"})
  );
}

TEST(Protocol, BudgetsAreNestedForEveryDeadline) {
  for (const int deadline_ms : {10, 100, 500, 1000, 3000, 60'000}) {
    const std::chrono::milliseconds deadline(deadline_ms);
    EXPECT_LT(memory_budget(deadline), child_budget(deadline));
    EXPECT_LT(child_budget(deadline), stuck_budget(deadline));
    EXPECT_LT(stuck_budget(deadline), deadline);
  }
}

}  // namespace
}  // namespace pghang::sampler
