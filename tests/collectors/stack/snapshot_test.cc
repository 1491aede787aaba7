#include "collectors/stack/snapshot.h"

#include <gtest/gtest.h>

#include "tests/collectors/stack/elf_builder.h"

namespace pghang::test {
namespace {

StackSnapshot sample() {
  StackSnapshot snapshot = in_place_snapshot(0x1234, {1, 2, 3});
  snapshot.held_micros = 12.5;
  snapshot.stack_truncated = true;
  return snapshot;
}

TEST(Snapshot, SurvivesEncodingAndDecoding) {
  const auto decoded = decode_snapshot(encode_snapshot(sample()));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, sample());
}

TEST(Snapshot, EveryPrefixIsMalformed) {
  const std::string bytes = encode_snapshot(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = decode_snapshot(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(decoded) << size;
    ASSERT_EQ(decoded.error().code, Errc::malformed) << size;
  }
}

TEST(Snapshot, BytesLeftOverAreMalformed) {
  EXPECT_EQ(decode_snapshot(encode_snapshot(sample()) + 'x').error().code, Errc::malformed);
}

TEST(Snapshot, AnotherVersionIsUnsupported) {
  std::string bytes = encode_snapshot(sample());
  ++bytes[4];
  EXPECT_EQ(decode_snapshot(bytes).error().code, Errc::unsupported);
}

TEST(Snapshot, AnUnknownMethodIsMalformed) {
  StackSnapshot snapshot = sample();
  snapshot.method = static_cast<CaptureMethod>(77);
  EXPECT_EQ(decode_snapshot(encode_snapshot(snapshot)).error().code, Errc::malformed);
}

}  // namespace
}  // namespace pghang::test
