#include "daemon/escalation/process_history.h"

#include <csignal>

#include <gtest/gtest.h>

#include "tests/daemon/escalation/builders.h"

namespace pghang::escalation {
namespace {

using testing::at;
using testing::next_statement;
using testing::running;
using testing::seconds;

Capture look(std::uint64_t cpu_nanos = 0, std::uint64_t bytes = 0, std::int64_t die_pending = 0) {
  Capture capture;
  Sample& sample = capture.samples.emplace_back();
  sample.state = ProcessState::sleeping;
  sample.cpu_nanos = cpu_nanos;
  sample.io = IoCounters{};
  sample.io->rchar = bytes;
  sample.flags.proc_die_pending = die_pending;
  return capture;
}

class History : public ::testing::Test {
 protected:
  ProcessHistory history_;
  Activity row_ = running();

  /// One poll that shows the row, and the look that follows it.
  void step(int second, const Capture& seen) {
    poll();
    history_.looked(row_.key, seen, at(second));
  }

  void poll() {
    history_.polled({row_});
    history_.watch(row_);
  }

  [[nodiscard]] std::optional<Duration> still() const {
    return history_.facts(row_.key).not_advancing_for;
  }

  [[nodiscard]] std::optional<Duration> ignored() const {
    return history_.facts(row_.key).terminate_ignored_for;
  }
};

TEST_F(History, NothingIsKnownBeforeTheFirstLook) {
  poll();
  EXPECT_EQ(still(), std::nullopt);
  EXPECT_EQ(ignored(), std::nullopt);
}

TEST_F(History, AStandstillLastsFromTheFirstLookToTheLatest) {
  step(0, look());
  EXPECT_EQ(still(), Duration(0));
  step(5, look());
  step(10, look());
  EXPECT_EQ(still(), seconds(10));
  poll();
  EXPECT_EQ(still(), seconds(10)) << "nothing is assumed of the time since";
}

TEST_F(History, ProcessorTimeEndsIt) {
  step(0, look());
  step(5, look(ProcessHistory::kStandstillNanos));
  EXPECT_EQ(still(), seconds(5)) << "woken for nothing";
  step(10, look(2 * ProcessHistory::kStandstillNanos + 1));
  EXPECT_EQ(still(), Duration(0));
  step(15, look(2 * ProcessHistory::kStandstillNanos + 1));
  EXPECT_EQ(still(), seconds(5));
}

TEST_F(History, BytesReadOrWrittenEndIt) {
  step(0, look(0, 100));
  step(5, look(0, 101));
  EXPECT_EQ(still(), Duration(0));
}

TEST_F(History, AnotherWaitEndsIt) {
  step(0, look());
  step(5, look());
  row_.wait_event_type = "Lock";
  row_.wait_event = "relation";
  poll();
  EXPECT_EQ(still(), std::nullopt);
  history_.looked(row_.key, look(), at(10));
  EXPECT_EQ(still(), Duration(0));
}

TEST_F(History, AnotherStatementEndsIt) {
  step(0, look());
  step(5, look());
  row_ = next_statement(row_);
  poll();
  EXPECT_EQ(still(), std::nullopt);
}

TEST_F(History, CountersThatCannotBeReadMakeItUnknown) {
  Capture no_io = look();
  no_io.samples.back().io.reset();
  step(0, no_io);
  EXPECT_EQ(still(), std::nullopt);
  Capture no_cpu = look();
  no_cpu.missing.push_back({"cpu", "Permission denied", ""});
  step(5, look());
  step(10, no_cpu);
  EXPECT_EQ(still(), std::nullopt);
}

TEST_F(History, ATerminatePendingIsCountedFromTheFirstLookThatShowsIt) {
  step(0, look(0, 0, 0));
  EXPECT_EQ(ignored(), std::nullopt);
  step(5, look(0, 0, 1));
  step(10, look(99'000'000, 5, 1));
  EXPECT_EQ(ignored(), seconds(5)) << "advancing or not";
  step(15, look(0, 0, 0));
  EXPECT_EQ(ignored(), std::nullopt);
}

TEST_F(History, ASignalThatTheKernelHoldsBackIsPendingToo) {
  Capture stopped = look();
  stopped.samples.back().flags = {};
  stopped.samples.back().signals.pending_process = 1ULL << (SIGTERM - 1);
  step(0, stopped);
  step(5, stopped);
  EXPECT_EQ(ignored(), seconds(5));
}

TEST_F(History, FlagsThatCannotBeReadMakeItUnknown) {
  step(0, look(0, 0, 1));
  Capture unread = look();
  unread.samples.back().flags = {};
  step(5, unread);
  EXPECT_EQ(ignored(), std::nullopt);
}

TEST_F(History, ALookThatFailedOrCameTooLateMakesAllUnknown) {
  step(0, look(0, 0, 1));
  history_.missed(row_.key);
  EXPECT_EQ(history_.facts(row_.key), BackendFacts{});
  step(5, look(0, 0, 1));
  step(10, look(0, 0, 1));
  for (unsigned i = 0; i < ProcessHistory::kFreshPolls; ++i) {
    EXPECT_EQ(ignored(), seconds(5)) << i;
    poll();
  }
  poll();
  EXPECT_EQ(ignored(), std::nullopt);
}

TEST_F(History, AProcessThatEndedTellsNothing) {
  step(0, look());
  Capture gone;
  gone.gone = true;
  step(5, gone);
  EXPECT_EQ(still(), std::nullopt);
}

TEST_F(History, AnotherBackendAtTheSamePidStartsAnew) {
  step(0, look(0, 0, 1));
  step(5, look(0, 0, 1));
  row_.key.backend_start = testing::pg_time(99);
  poll();
  EXPECT_EQ(ignored(), std::nullopt);
}

TEST_F(History, LooksAtBackendsThatAreNotWatchedAreLeftOut) {
  history_.looked(row_.key, look(0, 0, 1), at(0));
  EXPECT_EQ(history_.facts(row_.key), BackendFacts{});
}

}  // namespace
}  // namespace pghang::escalation
