#include <random>
#include <string>

#include <gtest/gtest.h>

#include "collectors/evidence/codec.h"
#include "collectors/sampler/capture_report.h"
#include "tests/collectors/sampler/sample_capture.h"

namespace pghang::sampler {
namespace {

using testing::full_capture;

TEST(CaptureCodec, AFullyFilledCaptureComesBackAsItWas) {
  const Capture capture = full_capture();
  const auto decoded = codec::decode<Capture>(codec::encode(capture));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, capture);
}

TEST(CaptureCodec, AnEmptyCaptureComesBackAsItWas) {
  EXPECT_EQ(codec::decode<Capture>(codec::encode(Capture{})), Capture{});
}

TEST(CaptureCodec, NoPrefixOfACaptureDecodes) {
  const std::string bytes = codec::encode(full_capture());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(codec::decode<Capture>(std::string_view(bytes).substr(0, size))) << size;
}

TEST(CaptureCodec, BytesAfterACaptureAreRefused) {
  EXPECT_FALSE(codec::decode<Capture>(codec::encode(full_capture()) + '\0'));
}

TEST(CaptureCodec, BrokenBytesNeverReadBeyondThePacket) {
  // Run under AddressSanitizer this is the test; here it also bounds what a count may allocate.
  const std::string bytes = codec::encode(full_capture());
  std::mt19937 random(7);
  for (int round = 0; round < 5'000; ++round) {
    std::string broken = bytes;
    for (int flips = 0; flips < 4; ++flips)
      broken[random() % broken.size()] = static_cast<char>(random());
    if (const auto decoded = codec::decode<Capture>(broken)) {
      EXPECT_LE(decoded->samples.size() + decoded->stack.frames.size(), broken.size());
    }
  }
}

TEST(CaptureCodec, AChildReportComesBackAsItWas) {
  ChildReport report;
  report.failure = CaptureFailure{Errc::busy, "x"};
  report.need_modules = true;
  report.mappings = {Mapping{.start = 1, .end = 2, .readable = true, .path = "/lib/x.so"}};
  report.capture = full_capture();
  StackSnapshot snapshot;
  snapshot.key = {1, 2};
  snapshot.registers[kRegisterRip] = 77;
  snapshot.stack = std::string(1000, 's');
  report.stacks = {snapshot};
  report.stack_of_sample = {0, 1};
  report.stopped_target = true;
  const auto decoded = codec::decode<ChildReport>(codec::encode(report));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->failure, report.failure);
  EXPECT_TRUE(decoded->need_modules);
  EXPECT_EQ(decoded->mappings, report.mappings);
  EXPECT_EQ(decoded->capture, report.capture);
  EXPECT_EQ(decoded->stacks, report.stacks);
  EXPECT_EQ(decoded->stack_of_sample, report.stack_of_sample);
  EXPECT_TRUE(decoded->stopped_target);
}

}  // namespace
}  // namespace pghang::sampler
