#include "diagnosis/movement.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

std::vector<Sample> blocked(std::size_t count) {
  Sample sample;
  sample.state = ProcessState::sleeping;
  sample.cpu_nanos = 100;
  sample.voluntary_switches = 7;
  sample.involuntary_switches = 3;
  sample.io = IoCounters{.rchar = 10, .wchar = 20, .read_bytes = 30, .write_bytes = 40};
  sample.stack_id = 1;
  return std::vector<Sample>(count, sample);
}

TEST(Movement, OfABlockedProcessIsNone) {
  const Movement movement = movement_of(blocked(5));
  EXPECT_EQ(movement.samples, 5U);
  EXPECT_EQ(movement.stacks, 5U);
  EXPECT_EQ(movement.distinct, 1U);
  EXPECT_EQ(movement.same, 5U);
  EXPECT_EQ(movement.stops, 0U);
  EXPECT_EQ(movement.read_bytes, 0U);
  EXPECT_EQ(movement.write_bytes, 0U);
  EXPECT_FALSE(movement.moving());
}

TEST(Movement, IsASwitchAnotherStackOrBytesButNotCpuTimeAlone) {
  auto samples = blocked(2);
  samples[1].cpu_nanos += 1'000'000;
  EXPECT_FALSE(movement_of(samples).moving());
  EXPECT_EQ(movement_of(samples).cpu_nanos, 1'000'000U);

  samples = blocked(2);
  ++samples[1].involuntary_switches;
  EXPECT_TRUE(movement_of(samples).moving());

  samples = blocked(2);
  samples[1].stack_id = 2;
  EXPECT_TRUE(movement_of(samples).moving());

  for (auto IoCounters::*counter :
       {&IoCounters::rchar,
        &IoCounters::wchar,
        &IoCounters::read_bytes,
        &IoCounters::write_bytes}) {
    samples = blocked(2);
    *samples[1].io.*counter += 5;
    EXPECT_TRUE(movement_of(samples).moving());
    EXPECT_TRUE(movement_of(samples).moves_bytes());
  }
}

TEST(Movement, OfBytesIsTheLargerOfWhatCallsPassedAndStorageDid) {
  auto samples = blocked(2);
  samples[1].io->rchar += 100;
  samples[1].io->read_bytes += 4096;
  samples[1].io->wchar += 8192;
  EXPECT_EQ(movement_of(samples).read_bytes, 4096U);
  EXPECT_EQ(movement_of(samples).write_bytes, 8192U);
}

TEST(Movement, CountsStacksOnlyWhereOneWasTakenAndEachHold) {
  auto samples = blocked(5);
  samples[0].stack_id = 0;
  samples[1].stack_id = 0;
  samples[3].stack_id = 9;
  samples[3].held_micros = 30;
  samples[4].held_micros = 12.5;
  const Movement movement = movement_of(samples);
  EXPECT_EQ(movement.stacks, 3U);
  EXPECT_EQ(movement.distinct, 2U);
  EXPECT_EQ(movement.same, 2U);
  EXPECT_EQ(movement.stops, 2U);
  EXPECT_DOUBLE_EQ(movement.held_micros, 42.5);
}

TEST(Movement, WithoutCountersOrSamplesKnowsNoBytes) {
  auto samples = blocked(2);
  samples[0].io.reset();
  EXPECT_FALSE(movement_of(samples).read_bytes);
  EXPECT_FALSE(movement_of({}).moving());
  EXPECT_EQ(movement_of({}).samples, 0U);
}

TEST(Movement, CountersThatFallAreNoChange) {
  auto samples = blocked(2);
  samples[1].voluntary_switches = 0;
  samples[1].cpu_nanos = 0;
  samples[1].io->rchar = 0;
  EXPECT_FALSE(movement_of(samples).moving());
  EXPECT_EQ(movement_of(samples).cpu_nanos, 0U);
}

}  // namespace
}  // namespace pghang
