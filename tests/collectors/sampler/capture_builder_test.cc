#include "collectors/sampler/capture_builder.h"

#include <string>

#include <gtest/gtest.h>

#include "collectors/evidence/codec.h"
#include "tests/collectors/sampler/sample_capture.h"

namespace pghang::sampler {
namespace {

using testing::full_capture;

Capture sent(const Capture& capture) {
  const std::string packet = encode_capture(3, capture);
  EXPECT_LE(packet.size(), kMaxMessageBytes);
  const auto message = decode_message(packet);
  EXPECT_TRUE(message);
  EXPECT_EQ(message->header.type, MessageType::captured);
  return codec::decode<Capture>(message->body).value_or(Capture{});
}

TEST(CaptureBuilder, ACaptureThatFitsIsSentWhole) {
  EXPECT_EQ(sent(full_capture()), full_capture());
}

TEST(CaptureBuilder, TooManyFramesAreCutFromTheMiddleAndSaid) {
  Capture capture = full_capture();
  capture.stack.frames.resize(2000, capture.stack.frames.front());
  for (std::size_t i = 0; i < capture.stack.frames.size(); ++i)
    capture.stack.frames[i].address = i;
  const Capture got = sent(capture);
  ASSERT_FALSE(got.stack.frames.empty());
  ASSERT_LT(got.stack.frames.size(), 2000U);
  EXPECT_EQ(got.stack.frames.front().address, 0U);
  EXPECT_EQ(got.stack.frames.back().address, 1999U);
  EXPECT_EQ(got.stack.complete, capture.stack.complete);
  EXPECT_EQ(got.stack.omitted, 2000 - got.stack.frames.size());
  EXPECT_EQ(got.stack.frames[got.stack.omitted_after - 1].address, got.stack.omitted_after - 1);
}

TEST(CaptureBuilder, LongListsOfProcessesAreCutBeforeFrames) {
  Capture capture = full_capture();
  capture.children.resize(10'000, capture.children.front());
  capture.syscall->fd->peers.resize(5'000, capture.children.front());
  const Capture got = sent(capture);
  EXPECT_EQ(got.children.size(), 256U);
  EXPECT_EQ(got.syscall->fd->peers.size(), 256U);
  EXPECT_EQ(got.stack, capture.stack);
  ASSERT_EQ(got.missing.size(), 3U);
  EXPECT_EQ(got.missing[1].evidence, "children");
  EXPECT_EQ(got.missing[1].error, "9744 more are not listed");
  EXPECT_EQ(got.missing[2].evidence, "peers");
}

TEST(CaptureBuilder, WhatCannotBeCutIsAFailureNotABrokenPacket) {
  Capture capture = full_capture();
  capture.comm = std::string(kMaxMessageBytes, 'c');
  const auto packet = encode_capture(3, capture);
  const auto message = decode_message(packet);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->header.type, MessageType::failed);
}

Capture asleep_and_incomplete() {
  Capture capture;
  capture.stack.method = CaptureMethod::in_place;
  capture.stack.wants_registers = true;
  capture.samples.emplace_back().state = ProcessState::sleeping;
  return capture;
}

TEST(CaptureBuilder, OnlyAnIncompleteStackOfASleeperIsWorthAStop) {
  EXPECT_TRUE(worth_stopping(asleep_and_incomplete(), {}, false));

  Capture complete = asleep_and_incomplete();
  complete.stack.complete = true;
  EXPECT_FALSE(worth_stopping(complete, {}, false));

  for (const auto state :
       {ProcessState::uninterruptible,
        ProcessState::stopped,
        ProcessState::traced,
        ProcessState::zombie,
        ProcessState::running}) {
    Capture other = asleep_and_incomplete();
    other.samples.back().state = state;
    EXPECT_FALSE(worth_stopping(other, {}, false)) << static_cast<char>(state);
  }

  Capture frozen = asleep_and_incomplete();
  frozen.samples.back().frozen = true;
  EXPECT_FALSE(worth_stopping(frozen, {}, false));

  Capture no_file = asleep_and_incomplete();
  no_file.stack.wants_registers = false;
  EXPECT_FALSE(worth_stopping(no_file, {}, false)) << "a stop brings no file";

  Capture kernel_only = asleep_and_incomplete();
  kernel_only.stack.method = CaptureMethod::kernel_only;
  EXPECT_FALSE(worth_stopping(kernel_only, {}, false));
}

TEST(CaptureBuilder, NothingIsStoppedTwiceOrAgainstTheRequest) {
  EXPECT_FALSE(worth_stopping(asleep_and_incomplete(), {}, true));
  EXPECT_FALSE(worth_stopping(asleep_and_incomplete(), {.allow_ptrace_stop = false}, false));
}

}  // namespace
}  // namespace pghang::sampler
