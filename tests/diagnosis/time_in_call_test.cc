#include "diagnosis/time_in_call.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

Capture captured_at(double seconds) {
  Capture capture;
  capture.key = {4711, 99};
  capture.syscall.emplace();
  capture.syscall->number = 257;
  capture.syscall->text = R"(openat(AT_FDCWD, "/x/fifo", O_RDONLY))";
  capture.syscall->at_least_seconds = 0.04;
  capture.syscall->at_least_source = kFromSamples;
  Sample sample;
  sample.at_micros = static_cast<std::int64_t>(seconds * 1e6);
  sample.state = ProcessState::sleeping;
  sample.voluntary_switches = 150;
  sample.involuntary_switches = 7;
  capture.samples = {sample, sample};
  capture.samples.front().at_micros -= 40'000;
  return capture;
}

class TimeInCall : public ::testing::Test {
 protected:
  void expect_left_alone() {
    extend_time_in_call(earlier_, later_);
    EXPECT_EQ(later_.syscall->at_least_seconds, 0.04);
    EXPECT_EQ(later_.syscall->at_least_source, kFromSamples);
  }

  Capture earlier_ = captured_at(100);
  Capture later_ = captured_at(160);
};

TEST_F(TimeInCall, ReachesBackToAnEarlierCaptureWhereNoSwitchHappenedSince) {
  extend_time_in_call(earlier_, later_);
  EXPECT_DOUBLE_EQ(later_.syscall->at_least_seconds, 60.04);
  EXPECT_EQ(later_.syscall->at_least_source, kFromCounters);
}

TEST_F(TimeInCall, GrowsFromCaptureToCapture) {
  extend_time_in_call(earlier_, later_);
  Capture last = captured_at(400);
  extend_time_in_call(later_, last);
  EXPECT_DOUBLE_EQ(last.syscall->at_least_seconds, 300.04);
}

TEST_F(TimeInCall, EndsWithAnySwitch) {
  later_.samples.back().voluntary_switches = 151;
  expect_left_alone();
  later_.samples.back().voluntary_switches = 150;
  later_.samples.back().involuntary_switches = 8;
  expect_left_alone();
}

TEST_F(TimeInCall, IsOfOneCallOnly) {
  earlier_.syscall->text = R"(openat(AT_FDCWD, "/y/fifo", O_RDONLY))";
  expect_left_alone();
  earlier_ = captured_at(100);
  earlier_.syscall.reset();
  expect_left_alone();
}

TEST_F(TimeInCall, IsOfOneProcessOnly) {
  earlier_.key.start_ticks = 98;
  expect_left_alone();
}

TEST_F(TimeInCall, IsNotToldOfAProcessThatRuns) {
  earlier_.samples.back().state = ProcessState::running;
  expect_left_alone();
}

TEST_F(TimeInCall, NeedsBothToHaveASample) {
  earlier_.samples.clear();
  expect_left_alone();
}

TEST_F(TimeInCall, DoesNotRunBackwards) {
  later_ = captured_at(90);
  expect_left_alone();
}

}  // namespace
}  // namespace pghang
